//! Many who write at once.

use std::thread;

use resident_store::Role;

use crate::support::{Profile, message};

#[test]
fn what_many_write_at_once_is_all_there_each_once_and_in_its_order() {
    const WRITERS: usize = 8;
    const MESSAGES: usize = 25;
    let mut profile = Profile::new();
    let agents: Vec<_> = (0..WRITERS).map(|number| profile.agent(&number.to_string())).collect();
    thread::scope(|scope| {
        for agent in &agents {
            let profile = &profile;
            scope.spawn(move || {
                for number in 0..MESSAGES {
                    profile.write(|w| w.append_message(&message(agent, Role::User, &number.to_string())));
                }
            });
        }
    });
    profile.reopen().unwrap();
    for agent in &agents {
        let messages = profile.read(|r| r.messages_after(agent, 0, usize::MAX));
        let texts: Vec<_> = messages.into_iter().map(|message| message.content).collect();
        assert_eq!(texts, (0..MESSAGES).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
