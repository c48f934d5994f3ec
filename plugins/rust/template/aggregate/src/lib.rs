//! The mean of prices, through a sum and a count.

use tidemill_plugin::{Row, aggregate};

/// What is kept of a key while its prices are collected.
#[derive(Row, Default)]
pub struct Mean {
    sum: f64,
    count: i64,
}

/// What comes out for a key.
#[derive(Row)]
pub struct Answer {
    mean: f64,
}

#[aggregate]
impl Mean {
    fn add(&mut self, price: f64) {
        self.sum += price;
        self.count += 1;
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn finish(self) -> Answer {
        Answer { mean: self.sum / self.count as f64 }
    }
}

#[cfg(test)]
mod tests {
    use tidemill_plugin::{Aggregation, testing};

    #[test]
    fn each_group_becomes_one_row() {
        let prices = testing::Table::new().column("price", [2.5, 3.5, 99.5]);
        let means = testing::aggregate::<Aggregation<super::Mean>>("null", &[2, 3], &prices).unwrap();
        assert_eq!(means.rows(), ["(3.0)", "(99.5)"]);
    }
}
