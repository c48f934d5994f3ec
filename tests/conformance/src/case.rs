//! Cases as they are written.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The records of a stream, batch by batch; none where the source makes no batch at all.
pub type Input = Vec<Option<Vec<Value>>>;

/// A file of cases.
pub struct CaseFile {
    /// Its name without the ending.
    pub name: String,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// One expectation.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub op: String,
    /// What the function does, in words.
    #[serde(default)]
    pub function: String,
    /// Parameters, by name.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// The batch interval; none where there is no pipeline.
    pub batch_ms: Option<u64>,
    /// What the first stream is given.
    #[serde(default)]
    pub inputs: Input,
    /// What the second stream is given, where there is one.
    pub inputs2: Option<Input>,
    /// What the third stream is given, where there is one.
    pub inputs3: Option<Input>,
    /// The records of each batch that comes out.
    pub expected: Option<Vec<Value>>,
    /// The error that it ends with.
    pub expected_error: Option<ExpectedError>,
    /// Whether the order of records matters.
    #[serde(default)]
    pub ordered: bool,
    /// Whether the order within lists in records matters.
    #[serde(default)]
    pub values_ordered: bool,
    /// Whether batches without records don't count.
    #[serde(default)]
    pub drops_empty: bool,
    /// How many batches run, where that doesn't follow from the others.
    pub batches_run: Option<u64>,
    /// The times of the batches that come out, counted from the start.
    pub output_times_ms: Option<Vec<i64>>,
    /// The partitions of each batch that comes out.
    pub expected_partition_count: Option<Vec<usize>>,
    /// All records that come out, sorted.
    pub expected_flat_sorted: Option<Vec<Value>>,
    /// The state after each batch.
    pub expected_state: Option<Vec<Value>>,
    /// The state after the last batch.
    pub expected_state_last: Option<Value>,
    /// The state after at least one batch.
    pub expected_state_some: Option<Value>,
    /// What is done to the first stream, step by step.
    pub pipeline: Option<Vec<StepSpec>>,
    /// What is done to a context, step by step.
    pub steps: Option<Vec<Map<String, Value>>>,
}

/// An error that is expected.
#[derive(Clone, Debug, Deserialize)]
pub struct ExpectedError {
    /// When it comes: `construct`, `call`, `run`, `awaitTermination`.
    pub when: String,
}

/// A step of a pipeline.
#[derive(Clone, Debug, Deserialize)]
pub struct StepSpec {
    /// The operation.
    pub op: String,
    /// Its function.
    #[serde(default, rename = "fn")]
    pub function: String,
    /// The inverse of its function.
    pub inv: Option<String>,
    /// Which of its results stay.
    pub filter: Option<String>,
    /// How many partitions.
    pub n: Option<usize>,
    /// The length of its window.
    pub window_ms: Option<u64>,
    /// The slide of its window.
    pub slide_ms: Option<u64>,
    /// How long a key may go without values before its state is dropped.
    pub timeout_ms: Option<u64>,
    /// The second stream.
    pub other: Option<Other>,
    /// The other streams.
    pub others: Option<Vec<Other>>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Another stream that a step reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Other {
    /// The number of its input, from 1.
    pub input: usize,
    /// What is done to it.
    pub pipeline: Vec<StepSpec>,
}

impl Case {
    /// The inputs that there are, in order.
    pub fn all_inputs(&self) -> Vec<&Input> {
        [Some(&self.inputs), self.inputs2.as_ref(), self.inputs3.as_ref()].into_iter().flatten().collect()
    }

    /// Whether it says what the states of keys are.
    pub fn has_states(&self) -> bool {
        let one = self.expected_state_last.is_some() || self.expected_state_some.is_some();
        self.expected_state.is_some() || one
    }

    /// Whether it is about blocks that were received, and the log of them.
    pub fn is_about_blocks(&self) -> bool {
        ["ReceivedBlockTrackerSuite", "WriteAheadLogSuite"].iter().any(|suite| self.id.contains(suite))
    }

    /// A parameter that is a whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.params.get(name)?.as_i64()
    }

    /// A parameter that is a list of whole numbers.
    pub fn numbers(&self, name: &str) -> Option<Vec<i64>> {
        self.params.get(name)?.as_array()?.iter().map(Value::as_i64).collect()
    }
}

/// The cases of all files `*.json` in `folder`, by name.
pub fn read_folder(folder: &Path) -> Result<Vec<CaseFile>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    anyhow::ensure!(!paths.is_empty(), "there is no file *.json in {}", folder.display());
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let cases = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a list of cases", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(CaseFile { name, cases })
    };
    paths.into_iter().map(read).collect()
}
