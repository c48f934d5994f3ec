//! Numbers drawn with Zipf's law: the first is twice as frequent as the second, thrice as the third, and so on.
//!
//! Walker's alias method in integers: a draw takes one random number and two looks into a table, and gives the
//! same on every machine.

/// Draws numbers below a limit.
pub struct Zipf {
    slots: Vec<Slot>,
}

/// A slot answers its own number below `threshold` and the alias from there on.
#[derive(Clone, Copy)]
struct Slot {
    threshold: u32,
    alias: u32,
}

impl Zipf {
    /// Draws numbers from 0 to below `limit`; at least 0 itself.
    pub fn new(limit: u32) -> Self {
        let limit = limit.max(1);
        let total: f64 = (1..=limit).map(|rank| 1.0 / f64::from(rank)).sum();
        let mut weights: Vec<f64> =
            (1..=limit).map(|rank| f64::from(limit) / f64::from(rank) / total).collect();
        let mut slots: Vec<Slot> = (0..limit).map(|alias| Slot { threshold: u32::MAX, alias }).collect();
        let (mut light, mut heavy): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|&i| weights.get(i).is_some_and(|&weight| weight < 1.0));
        while let (Some(poor), Some(rich)) = (light.pop(), heavy.last().copied()) {
            let Some(weight) = weights.get(poor).copied() else { continue };
            if let Some(slot) = slots.get_mut(poor) {
                *slot = Slot { threshold: (weight * f64::from(u32::MAX)) as u32, alias: rich as u32 };
            }
            if let Some(rest) = weights.get_mut(rich) {
                *rest -= 1.0 - weight;
                if *rest < 1.0 {
                    heavy.pop();
                    light.push(rich);
                }
            }
        }
        Self { slots }
    }

    /// The number that 64 random bits draw.
    pub fn draw(&self, random: u64) -> u32 {
        let (high, low) = (random >> 32, random as u32);
        let own = (high * self.slots.len() as u64) >> 32;
        match self.slots.get(own as usize) {
            Some(slot) if low > slot.threshold => slot.alias,
            _ => own as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn frequencies_fall_as_ranks_rise() {
        let zipf = Zipf::new(100);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0_u32; 100];
        for _ in 0..200_000 {
            counts[zipf.draw(rng.next_u64()) as usize] += 1;
        }
        let total: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
        for (rank, &count) in (1..).zip(&counts) {
            let expected = 200_000.0 / f64::from(rank) / total;
            assert!(
                (f64::from(count) - expected).abs() < 6.0 * expected.sqrt(),
                "rank {rank}: {count} for {expected}"
            );
        }
    }

    #[test]
    fn a_limit_of_one_always_draws_zero() {
        assert_eq!([0, 1 << 40, u64::MAX].map(|random| Zipf::new(1).draw(random)), [0, 0, 0]);
    }
}
