//! The higher of two prices; associative and commutative, as a reducer has to be.

use tidemill_plugin::reduce;

/// The higher of the two.
#[reduce]
pub fn highest(a: f64, b: f64) -> f64 {
    a.max(b)
}

#[cfg(test)]
mod tests {
    use tidemill_plugin::testing;

    #[test]
    fn each_group_becomes_one_row() {
        let prices = testing::Table::new().column("price", [2.5, 3.5, 99.5]);
        let highest = testing::reduce::<super::highest>("null", &[2, 3], &prices).unwrap();
        assert_eq!(highest.rows(), ["(3.5)", "(99.5)"]);
    }
}
