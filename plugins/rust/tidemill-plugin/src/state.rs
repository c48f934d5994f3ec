//! What `update_state` and `map_with_state` become: a loop over the keys of a call around the function.

use crate::emit::Emit;
use crate::group::{Reading, Rows};
use crate::{Batch, Builder, Groups, Push, ReadRow, Schema, Timestamp, UpdateInput, UpdateOutput};

/// What is kept of a key, in a `map_with_state` function.
///
/// A function that does not touch it leaves it as it is. After [`remove`](Self::remove), and where the key
/// is timing out, `update` and `remove` are errors: they fail the call once the function has returned.
///
/// ```
/// use tidemill_plugin::State;
///
/// let mut state = State::new(Some(3));
/// state.update(state.get().copied().unwrap_or(0) + 1);
/// assert_eq!(state.get(), Some(&4));
/// state.remove();
/// assert!(!state.exists());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct State<S> {
    value: Option<S>,
    phase: Phase,
    /// What was done to it that it doesn't allow.
    misuse: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Open,
    Removed,
    TimingOut,
}

impl<S> State<S> {
    /// The state of a key that has data; none where it has no state.
    pub fn new(value: Option<S>) -> Self {
        Self { value, phase: Phase::Open, misuse: None }
    }

    /// The last state of a key that is timing out.
    pub fn timing_out(value: S) -> Self {
        Self { value: Some(value), phase: Phase::TimingOut, misuse: None }
    }

    /// Whether there is one.
    pub fn exists(&self) -> bool {
        self.value.is_some()
    }

    /// What it is, if there is one.
    pub fn get(&self) -> Option<&S> {
        self.value.as_ref()
    }

    /// Makes it `value` from now on.
    pub fn update(&mut self, value: S) {
        match self.phase {
            Phase::Open => self.value = Some(value),
            Phase::Removed => self.misuse = Some("the state is updated after it was removed"),
            Phase::TimingOut => self.misuse = Some("the state is updated while its key times out"),
        }
    }

    /// Forgets it.
    pub fn remove(&mut self) {
        match self.phase {
            Phase::Open => (self.value, self.phase) = (None, Phase::Removed),
            Phase::Removed => self.misuse = Some("the state is removed after it was removed"),
            Phase::TimingOut => self.misuse = Some("the state is removed while its key times out"),
        }
    }

    /// Whether the key had no data for too long. It is then forgotten after the call.
    pub fn is_timing_out(&self) -> bool {
        self.phase == Phase::TimingOut
    }

    /// What came of it.
    ///
    /// # Errors
    /// Where it was changed after it was removed or while timing out.
    pub fn check(&self) -> Result<(), String> {
        self.misuse.map_or(Ok(()), |misuse| Err(misuse.into()))
    }
}

/// Where the columns of keys and values stand that a function takes.
pub struct Keyed {
    key: Vec<usize>,
    value: Vec<usize>,
}

impl Keyed {
    /// Finds those of keys of type `K` and values of type `V`.
    ///
    /// # Errors
    /// Where the columns are not of these types.
    pub fn bind<'a, K: ReadRow<'a>, V: ReadRow<'a>>(key: &Schema, value: &Schema) -> Result<Self, String> {
        let key = K::bind(key).map_err(|e| format!("the key: {e}"))?;
        Ok(Self { key, value: V::bind(value).map_err(|e| format!("the value: {e}"))? })
    }
}

/// The states of a call's keys on their way out.
struct States<B> {
    builder: B,
    kept: Vec<bool>,
}

impl<B: Builder> States<B> {
    fn of(num_keys: usize) -> Self {
        Self { builder: B::with_capacity(num_keys, 0), kept: Vec::with_capacity(num_keys) }
    }

    /// The state of the next key; none removes it.
    fn push<S: Push<Builder = B>>(&mut self, state: Option<S>) {
        self.kept.push(state.is_some());
        match state {
            Some(state) => state.push_to(&mut self.builder),
            None => self.builder.push_blank(),
        }
    }

    fn finish(self, batch: Batch, origins: Vec<u32>) -> UpdateOutput {
        UpdateOutput { states: self.builder.into_batch(), kept: self.kept, batch, origins }
    }
}

/// Calls a function of a key, its values and its state: what `#[update_state]` becomes. A key that timed
/// out is forgotten.
///
/// # Errors
/// Where a value is null that can't be, or the function fails.
pub fn update_each<'a, K: ReadRow<'a>, V: ReadRow<'a>, S: ReadRow<'a> + Push>(
    keyed: &Keyed,
    input: &'a UpdateInput,
    mut update: impl FnMut(K, Rows<'_, 'a, V>, Option<S>, Timestamp) -> Result<Option<S>, String>,
) -> Result<UpdateOutput, String> {
    let calls = Calls::<K, V, S>::new(keyed, input)?;
    let mut states = States::<S::Builder>::of(calls.groups.len());
    for (index, rows) in calls.groups.iter().enumerate() {
        if input.timed_out.get(index) == Some(&true) && rows.is_empty() {
            states.push(None::<S>);
            continue;
        }
        let (key, state) = (calls.keys.row(index)?, calls.state(index)?);
        states.push(update(key, calls.values.rows(rows), state, Timestamp(input.now))?);
        calls.values.check()?;
    }
    Ok(states.finish(Batch { rows: 0, columns: vec![] }, vec![]))
}

/// Calls a function for each record of a key, in order, and once without a value where the key timed out:
/// what `#[map_with_state]` becomes.
///
/// # Errors
/// Where a value is null that can't be, or the function fails or misuses the state.
pub fn map_each<'a, K: ReadRow<'a>, V: ReadRow<'a>, S: ReadRow<'a> + Push, B: Builder>(
    keyed: &Keyed,
    input: &'a UpdateInput,
    mut map: impl FnMut(u32, K, Option<V>, &mut State<S>, Timestamp, &mut Emit<B>),
) -> Result<UpdateOutput, String> {
    let calls = Calls::<K, V, S>::new(keyed, input)?;
    let (mut states, mut output) =
        (States::<S::Builder>::of(calls.groups.len()), Emit::of_keys(input.keys.rows));
    let now = Timestamp(input.now);
    for (index, rows) in calls.groups.iter().enumerate() {
        let row = index as u32;
        let value = calls.state(index)?;
        let timed_out = input.timed_out.get(index) == Some(&true) && rows.is_empty();
        let mut state = match value {
            Some(value) if timed_out => State::timing_out(value),
            value => State::new(value),
        };
        if state.is_timing_out() {
            map(row, calls.keys.row(index)?, None, &mut state, now, &mut output);
            state.check()?;
            state.value = None;
        }
        for value in rows {
            let (key, value) = (calls.keys.row(index)?, calls.values.row(value)?);
            state.phase = Phase::Open;
            map(row, key, Some(value), &mut state, now, &mut output);
            state.check()?;
        }
        states.push(state.value);
    }
    let (batch, origins) = output.finish_keys()?;
    Ok(states.finish(batch, origins))
}

/// The keys of a call, ready for reading.
struct Calls<'a, K: ReadRow<'a>, V: ReadRow<'a>, S: ReadRow<'a>> {
    keys: Reading<'a, K>,
    values: Reading<'a, V>,
    states: Reading<'a, S>,
    known: &'a [bool],
    groups: Groups<'a>,
}

impl<'a, K: ReadRow<'a>, V: ReadRow<'a>, S: ReadRow<'a>> Calls<'a, K, V, S> {
    fn new(keyed: &Keyed, input: &'a UpdateInput) -> Result<Self, String> {
        let num_keys = input.keys.rows as usize;
        if [input.ends.len(), input.known.len(), input.timed_out.len()] != [num_keys; 3] {
            return Err(format!("there are not {num_keys} ends and flags for as many keys"));
        }
        Ok(Self {
            keys: Reading::new(&keyed.key, &input.keys)?,
            values: Reading::new(&keyed.value, &input.values)?,
            states: Reading::whole(&input.states)?,
            known: &input.known,
            groups: Groups::sparse(&input.ends, input.values.rows)?,
        })
    }

    /// The state of a key, if it has one.
    fn state(&self, key: usize) -> Result<Option<S>, String> {
        match self.known.get(key) {
            Some(true) => self.states.row(key).map(Some),
            _ => Ok(None),
        }
    }
}
