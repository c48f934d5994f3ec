//! Applies a function that a conformance case names, as the config says: see `named::Step`.

use named::{Record, Step, is_function, read, write};
use tidemill_plugin::{Batch, Output, Plan, Schema, Transform, export_transform, parse_config};

/// A function at work.
pub struct NamedTransform {
    step: Step,
    output: Record,
}

impl Transform for NamedTransform {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        let step: Step = parse_config(config)?;
        if !step.function.is_empty() && !is_function(&step.function) {
            return Err(format!("config: there is no function `{}`", step.function));
        }
        let output = step.output()?;
        let plan = Plan { reads: step.input.find(input)?, carries: vec![], produces: output.fields() };
        Ok((Self { step, output }, plan))
    }

    fn process(&self, input: Batch) -> Result<Output, String> {
        let records = self.step.apply(read(&self.step.input, &input)?)?;
        let (origins, records): (Vec<u32>, Vec<_>) = records.into_iter().unzip();
        Ok(Output { batch: write(&self.output, &records)?, origins: Some(origins), rejects: vec![] })
    }
}

export_transform!(NamedTransform);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, transform};

    fn rows(config: &str, input: &Table) -> Vec<String> {
        transform::<NamedTransform>(config, input).unwrap().table.rows()
    }

    #[test]
    fn single_values_stand_in_v_and_pairs_in_k_and_v() {
        let words = Table::new().column("v", ["go", "a"]);
        let input = r#""input": {"name": "v", "cell": "text"}"#;
        let config = format!(r#"{{"form": "flat_map", "function": "length_letter_pairs", {input}}}"#);
        assert_eq!(rows(&config, &words), ["(2, g)", "(2, o)", "(1, a)"]);
        let config = format!(r#"{{"form": "glom", {input}}}"#);
        assert_eq!(rows(&config, &words), [r#"(["go","a"])"#]);
    }

    #[test]
    fn lists_and_pairs_of_pairs_become_json() {
        let joined = Table::new().column("k", ["a"]).column("left", ["[1,2]"]).column("right", ["[]"]);
        let side = |name: &str| format!(r#"{{"name": "{name}", "cell": "int", "is_list": true}}"#);
        let input = format!(r#"[{{"name": "k", "cell": "text"}}, [{}, {}]]"#, side("left"), side("right"));
        let config = format!(r#"{{"form": "map", "function": "identity", "input": {input}}}"#);
        assert_eq!(rows(&config, &joined), ["(a, [[1,2],[]])"]);
    }

    #[test]
    fn a_function_that_is_not_there_is_refused() {
        let config = r#"{"form": "map", "function": "guess", "input": {"name": "v", "cell": "int"}}"#;
        let error = transform::<NamedTransform>(config, &Table::new().column("v", [1])).unwrap_err();
        assert_eq!(error, "config: there is no function `guess`");
    }
}
