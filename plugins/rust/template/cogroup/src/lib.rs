//! What is open of the prices on one side, less the amounts on the other.

use tidemill_plugin::{Row, cogroup};

/// What comes out for a key.
#[derive(Row)]
pub struct Open {
    open: f64,
}

/// The rest, where there is one.
#[cogroup]
pub fn open_orders(left: impl Iterator<Item = f64>, right: impl Iterator<Item = f64>) -> Option<Open> {
    let open = left.sum::<f64>() - right.sum::<f64>();
    (open > 0.0).then_some(Open { open })
}

#[cfg(test)]
mod tests {
    use tidemill_plugin::testing::{self, Table};

    #[test]
    fn what_is_paid_is_not_open() {
        let clients = Table::new().column("client", ["ann", "bob"]);
        let prices = Table::new().column("price", [3.0, 3.0]);
        let amounts = Table::new().column("amount", [1.0]);
        let open = testing::cogroup::<super::open_orders>("null", &clients, (&[1, 2], &prices), (&[1, 1], &amounts));
        assert_eq!(open.unwrap().rows(), ["(ann, 2.0)", "(bob, 3.0)"]);
    }
}
