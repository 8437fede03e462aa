//! Where the window may be cut: only between turns. A turn begins with what the user says; what a retry answers stands
//! after the user's message too, so that the message and its answer are never parted.

use std::sync::Arc;

use resident_store::{Message, Role};

/// The places in `messages` where a turn begins. Messages before the first of the user count as a turn.
pub(crate) fn turn_starts(messages: &[Arc<Message>]) -> Vec<usize> {
    let begins = |(index, message): (usize, &Arc<Message>)| (index == 0 || message.role == Role::User).then_some(index);
    messages.iter().enumerate().filter_map(begins).collect()
}

/// How many of the oldest turns to evict, given the tokens of each, so that at most `keep_tokens` stay. At least one
/// goes, and the last always stays: it is the one that is being answered.
pub(super) fn turns_to_evict(turn_tokens: &[usize], keep_tokens: usize) -> usize {
    let Some(most) = turn_tokens.len().checked_sub(1).filter(|most| *most > 0) else { return 0 };
    let mut kept: usize = turn_tokens.iter().sum();
    let mut evicted = 0;
    while evicted < most && (evicted == 0 || kept > keep_tokens) {
        kept -= turn_tokens[evicted];
        evicted += 1;
    }
    evicted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_single_turn_is_not_evicted() {
        assert_eq!(turns_to_evict(&[], 10), 0);
        assert_eq!(turns_to_evict(&[100], 10), 0);
        assert_eq!(turns_to_evict(&[100, 100], 10), 1);
    }

    proptest! {
        #[test]
        fn what_stays_fits_or_is_the_last_turn(tokens in prop::collection::vec(0..500_usize, 2..20), keep in 0..3000_usize) {
            let evicted = turns_to_evict(&tokens, keep);
            prop_assert!((1..tokens.len()).contains(&evicted));
            let kept: usize = tokens[evicted..].iter().sum();
            prop_assert!(kept <= keep || evicted == tokens.len() - 1);
            let with_one_more: usize = tokens[evicted - 1..].iter().sum();
            prop_assert!(evicted == 1 || with_one_more > keep, "no more is evicted than must be");
        }
    }
}
