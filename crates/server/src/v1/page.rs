//! Pages. A client that iterates asks again with `after` (the id of the last thing it got) until a page is empty, so
//! the page after the last must be empty and an unknown cursor must be an error: ignoring either would never end.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Problem;

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(super) struct PageQuery {
    /// Only what comes after the thing with this id, in the order of the list.
    pub(super) after: Option<String>,
    /// Only what comes before the thing with this id, in the order of the list.
    pub(super) before: Option<String>,
    /// At most so many.
    pub(super) limit: Option<usize>,
    /// Which way the list goes.
    #[param(inline)]
    pub(super) order: Option<Order>,
    /// V1's older word for `order=asc`.
    pub(super) ascending: Option<bool>,
}

/// No page is longer than this.
const MOST: usize = 1000;

impl PageQuery {
    pub(super) fn order(&self, default: Order) -> Order {
        match (self.order, self.ascending) {
            (Some(order), _) => order,
            (None, Some(true)) => Order::Asc,
            (None, Some(false)) => Order::Desc,
            (None, None) => default,
        }
    }

    /// The page of `things`, which are given oldest first. An unknown cursor names `what` it should have been.
    pub(super) fn cut<T>(
        &self,
        mut things: Vec<T>,
        default: (Order, usize),
        what: &str,
        id: impl Fn(&T) -> &str,
    ) -> Result<Vec<T>, Problem> {
        let (default_order, default_limit) = default;
        if self.order(default_order) == Order::Desc {
            things.reverse();
        }
        let place = |cursor: &String| {
            things.iter().position(|thing| id(thing) == cursor).ok_or_else(|| Problem::not_found(what, cursor))
        };
        let start = self.after.as_ref().map(place).transpose()?.map_or(0, |place| place + 1);
        let end = self.before.as_ref().map(place).transpose()?.unwrap_or(things.len());
        let limit = self.limit.unwrap_or(default_limit).min(MOST);
        // With `before` alone the page is what stands just before the cursor.
        let start = if self.before.is_some() && self.after.is_none() { end.saturating_sub(limit) } else { start };
        Ok(things.into_iter().skip(start).take(end.saturating_sub(start).min(limit)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["a", "b", "c", "d", "e"].map(str::to_owned).into()
    }

    fn page(query: &PageQuery) -> Result<String, Problem> {
        Ok(query.cut(names(), (Order::Asc, 50), "letter", String::as_str)?.concat())
    }

    #[test]
    fn iterating_with_after_sees_everything_once_and_ends() {
        for order in [Order::Asc, Order::Desc] {
            let (mut seen, mut after) = (String::new(), None);
            loop {
                let query = PageQuery { after, limit: Some(2), order: Some(order), ..PageQuery::default() };
                let found = page(&query).unwrap();
                let Some(last) = found.chars().last() else { break };
                seen += &found;
                after = Some(last.to_string());
            }
            assert_eq!(seen, if order == Order::Asc { "abcde" } else { "edcba" });
        }
    }

    #[test]
    fn iterating_with_before_goes_the_other_way_and_ends() {
        let (mut seen, mut before) = (String::new(), "e".to_owned());
        loop {
            let query = PageQuery { before: Some(before), limit: Some(3), ..PageQuery::default() };
            let found = page(&query).unwrap();
            let Some(first) = found.chars().next() else { break };
            seen = found.clone() + &seen;
            before = first.to_string();
        }
        assert_eq!(seen, "abcd");
    }

    #[test]
    fn an_unknown_cursor_is_an_error() {
        let query = PageQuery { after: Some("z".to_owned()), ..PageQuery::default() };
        assert_eq!(page(&query).unwrap_err().status, 404);
    }
}
