//! Exports: makes an implementation of [`Transform`](crate::Transform), [`Reduce`](crate::Reduce) or another of the
//! traits the plugin that a module is. Native builds export nothing.
//!
//! What the plugin answered at open is kept for as long as the host keeps the instance.

/// The opened plugin of the instance, and the type that the exports hang on. Goes into a block of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! __instance {
    ($plugin:ty) => {
        use ::std::string::String;
        use ::std::vec::Vec;
        use $crate::__private as tidemill;
        use $crate::{Batch, Field, Groups, Schema};
        type Plugin = $plugin;
        type Answer<T> = ::std::result::Result<T, String>;

        ::std::thread_local! {
            static PLUGIN: tidemill::Instance<Plugin> = const { tidemill::Instance::new() };
        }

        struct Export;
    };
}

/// Makes a type that implements [`Transform`](crate::Transform) the plugin of this crate. A crate holds
/// one plugin.
#[macro_export]
macro_rules! export_transform {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);

            impl tidemill::transform::Guest for Export {
                fn open(config: String, input: Vec<Field>) -> Answer<$crate::Plan> {
                    let open = || <Plugin as $crate::Transform>::open(&config, &Schema::new(input));
                    PLUGIN.with(|plugin| plugin.open(open))
                }

                fn process(input: Batch) -> Answer<$crate::Output> {
                    PLUGIN.with(|plugin| $crate::Transform::process(plugin.get()?, input))
                }
            }

            $crate::__private::transformer::__export_transformer!(
                Export with_types_in $crate::__private::transformer
            );
        };
    };
}

/// Exports `reduce`, for a plugin with an inverse or without.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_reduce {
    () => {
        impl tidemill::reduce::Guest for Export {
            fn open(config: String, values: Vec<Field>) -> Answer<()> {
                let open = || Ok((<Plugin as $crate::Reduce>::open(&config, &Schema::new(values))?, ()));
                PLUGIN.with(|plugin| plugin.open(open))
            }

            fn reduce(ends: Vec<u32>, values: Batch) -> Answer<Batch> {
                let groups = Groups::new(&ends, values.rows)?;
                PLUGIN.with(|plugin| $crate::Reduce::reduce(plugin.get()?, groups, values))
            }
        }

        $crate::__private::reducer::__export_reducer!(
            Export with_types_in $crate::__private::reducer
        );
    };
}

/// Makes a type that implements [`Reduce`](crate::Reduce) the plugin of this crate. A crate holds one
/// plugin.
#[macro_export]
macro_rules! export_reduce {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);
            $crate::__export_reduce!();
        };
    };
}

/// Makes a type that implements [`Invert`](crate::Invert) the plugin of this crate. A crate holds one
/// plugin.
#[macro_export]
macro_rules! export_invertible {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);
            $crate::__export_reduce!();

            impl tidemill::inverse::Guest for Export {
                fn subtract(totals: Batch, ends: Vec<u32>, values: Batch) -> Answer<Batch> {
                    let groups = Groups::sparse(&ends, values.rows)?;
                    PLUGIN.with(|plugin| $crate::Invert::subtract(plugin.get()?, totals, groups, values))
                }
            }

            $crate::__private::inverter::__export_inverter!(
                Export with_types_in $crate::__private::inverter
            );
        };
    };
}

/// Makes a type that implements [`Aggregate`](crate::Aggregate) the plugin of this crate. A crate holds one
/// plugin.
#[macro_export]
macro_rules! export_aggregate {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);

            impl tidemill::aggregate::Guest for Export {
                fn open(config: String, values: Vec<Field>) -> Answer<$crate::AggregatePlan> {
                    let open = || <Plugin as $crate::Aggregate>::open(&config, &Schema::new(values));
                    PLUGIN.with(|plugin| plugin.open(open))
                }

                fn accumulate(ends: Vec<u32>, values: Batch) -> Answer<Batch> {
                    let groups = Groups::new(&ends, values.rows)?;
                    PLUGIN.with(|plugin| $crate::Aggregate::accumulate(plugin.get()?, groups, values))
                }

                fn merge(ends: Vec<u32>, accumulators: Batch) -> Answer<Batch> {
                    let groups = Groups::new(&ends, accumulators.rows)?;
                    PLUGIN.with(|plugin| $crate::Aggregate::merge(plugin.get()?, groups, accumulators))
                }

                fn finish(accumulators: Batch) -> Answer<Batch> {
                    PLUGIN.with(|plugin| $crate::Aggregate::finish(plugin.get()?, accumulators))
                }
            }

            $crate::__private::aggregator::__export_aggregator!(
                Export with_types_in $crate::__private::aggregator
            );
        };
    };
}

/// Exports `update-state`, for a plugin with a migration or without.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_update_state {
    () => {
        impl tidemill::update_state::Guest for Export {
            fn open(config: String, key: Vec<Field>, value: Vec<Field>) -> Answer<$crate::UpdatePlan> {
                let (key, value) = (Schema::new(key), Schema::new(value));
                let open = || <Plugin as $crate::UpdateState>::open(&config, &key, &value);
                PLUGIN.with(|plugin| plugin.open(open))
            }

            fn update(input: $crate::UpdateInput) -> Answer<$crate::UpdateOutput> {
                PLUGIN.with(|plugin| $crate::UpdateState::update(plugin.get()?, input))
            }
        }

        $crate::__private::updater::__export_updater!(
            Export with_types_in $crate::__private::updater
        );
    };
}

/// Makes a type that implements [`UpdateState`](crate::UpdateState) the plugin of this crate. A crate holds
/// one plugin.
#[macro_export]
macro_rules! export_update_state {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);
            $crate::__export_update_state!();
        };
    };
}

/// Makes a type that implements [`MigrateState`](crate::MigrateState) the plugin of this crate. A crate holds
/// one plugin.
#[macro_export]
macro_rules! export_migrating {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);
            $crate::__export_update_state!();

            impl tidemill::migrate_state::Guest for Export {
                fn migrate(from: Vec<Field>, states: Batch) -> Answer<Batch> {
                    let from = Schema::new(from);
                    PLUGIN.with(|plugin| $crate::MigrateState::migrate(plugin.get()?, &from, states))
                }
            }

            $crate::__private::migrator::__export_migrator!(
                Export with_types_in $crate::__private::migrator
            );
        };
    };
}

/// Makes a type that implements [`Cogroup`](crate::Cogroup) the plugin of this crate. A crate holds one
/// plugin.
#[macro_export]
macro_rules! export_cogroup {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__instance!($plugin);

            impl tidemill::cogroup::Guest for Export {
                fn open(
                    config: String,
                    key: Vec<Field>,
                    left: Vec<Field>,
                    right: Vec<Field>,
                ) -> Answer<Vec<Field>> {
                    let (key, left, right) = (Schema::new(key), Schema::new(left), Schema::new(right));
                    let open = || <Plugin as $crate::Cogroup>::open(&config, &key, &left, &right);
                    PLUGIN.with(|plugin| plugin.open(open))
                }

                fn process(
                    keys: Batch,
                    left_ends: Vec<u32>,
                    left: Batch,
                    right_ends: Vec<u32>,
                    right: Batch,
                ) -> Answer<$crate::CogroupOutput> {
                    let input = $crate::CogroupInput { keys, left_ends, left, right_ends, right };
                    PLUGIN.with(|plugin| $crate::Cogroup::process(plugin.get()?, input))
                }
            }

            $crate::__private::cogrouper::__export_cogrouper!(
                Export with_types_in $crate::__private::cogrouper
            );
        };
    };
}

/// The opened plugin of an instance.
#[cfg(target_family = "wasm")]
#[derive(Default)]
pub struct Instance<T>(std::cell::OnceCell<T>);

#[cfg(target_family = "wasm")]
impl<T> Instance<T> {
    /// Not opened yet.
    pub const fn new() -> Self {
        Self(std::cell::OnceCell::new())
    }

    /// Opens the plugin and keeps it.
    pub fn open<A>(&self, open: impl FnOnce() -> Result<(T, A), String>) -> Result<A, String> {
        crate::log::log_panics();
        let (plugin, answer) = open()?;
        match self.0.set(plugin) {
            Ok(()) => Ok(answer),
            Err(_) => Err("the instance is open already".into()),
        }
    }

    /// The plugin.
    pub fn get(&self) -> Result<&T, String> {
        self.0.get().ok_or_else(|| "the instance is not open".into())
    }
}
