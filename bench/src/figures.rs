//! Figures with their names, goals and units, as a table and as JSON.

use std::fmt::Write;

use anyhow::Result;

/// All figures of a run.
#[derive(Default)]
pub struct Figures(Vec<Figure>);

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Option<Goal>,
}

/// What a figure should be on two cores.
#[derive(Clone, Copy)]
pub enum Goal {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
}

impl Figures {
    /// Adds a figure.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Option<Goal>) {
        let name = name.into();
        eprintln!("  {name} = {value:.3} {unit}");
        self.0.push(Figure { name, value, unit, goal });
    }

    /// The figures as a table for people.
    pub fn table(&self) -> String {
        let mut out = format!("{:<36} {:>16} {:<8} goal\n", "figure", "value", "unit");
        for figure in &self.0 {
            let goal = match figure.goal {
                None => String::new(),
                Some(Goal::AtLeast(least)) => format!("≥ {least} {}", met(figure.value >= least)),
                Some(Goal::AtMost(most)) => format!("≤ {most} {}", met(figure.value <= most)),
            };
            // Writing to a string can't fail.
            let _ =
                writeln!(out, "{:<36} {:>16} {:<8} {goal}", figure.name, number(figure.value), figure.unit);
        }
        out
    }

    /// The figures as one JSON object, name to value.
    pub fn json(&self) -> Result<String> {
        let object: serde_json::Map<_, _> =
            self.0.iter().map(|figure| (figure.name.to_owned(), figure.value.into())).collect();
        Ok(serde_json::to_string_pretty(&object)? + "\n")
    }
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

/// The middle one of `values`; 0 where there are none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
