//! Exports: makes an implementation of [`Transform`](crate::Transform) or [`Reduce`](crate::Reduce) the
//! plugin that a module is. Native builds export nothing.
//!
//! What the plugin answered at open is kept for as long as the host keeps the instance.

/// Makes a type that implements [`Transform`](crate::Transform) the plugin of this crate. A crate holds
/// one plugin.
#[macro_export]
macro_rules! export_transform {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__private as tidemill;
            type Plugin = $plugin;

            ::std::thread_local! {
                static PLUGIN: tidemill::Instance<Plugin> = const { tidemill::Instance::new() };
            }

            struct Export;

            impl tidemill::transform::Guest for Export {
                fn open(
                    config: ::std::string::String,
                    input: ::std::vec::Vec<$crate::Field>,
                ) -> ::std::result::Result<$crate::Plan, ::std::string::String> {
                    let open = || <Plugin as $crate::Transform>::open(&config, &$crate::Schema::new(input));
                    PLUGIN.with(|plugin| plugin.open(open))
                }

                fn process(
                    input: $crate::Batch,
                ) -> ::std::result::Result<$crate::Output, ::std::string::String> {
                    PLUGIN.with(|plugin| $crate::Transform::process(plugin.get()?, input))
                }
            }

            $crate::__private::transformer::__export_transformer!(
                Export with_types_in $crate::__private::transformer
            );
        };
    };
}

/// Makes a type that implements [`Reduce`](crate::Reduce) the plugin of this crate. A crate holds one
/// plugin.
#[macro_export]
macro_rules! export_reduce {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__private as tidemill;
            type Plugin = $plugin;

            ::std::thread_local! {
                static PLUGIN: tidemill::Instance<Plugin> = const { tidemill::Instance::new() };
            }

            struct Export;

            impl tidemill::reduce::Guest for Export {
                fn open(
                    config: ::std::string::String,
                    values: ::std::vec::Vec<$crate::Field>,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    let open = || {
                        let values = $crate::Schema::new(values);
                        Ok((<Plugin as $crate::Reduce>::open(&config, &values)?, ()))
                    };
                    PLUGIN.with(|plugin| plugin.open(open))
                }

                fn reduce(
                    ends: ::std::vec::Vec<u32>,
                    values: $crate::Batch,
                ) -> ::std::result::Result<$crate::Batch, ::std::string::String> {
                    let groups = $crate::Groups::new(&ends, values.rows)?;
                    PLUGIN.with(|plugin| $crate::Reduce::reduce(plugin.get()?, groups, values))
                }
            }

            $crate::__private::reducer::__export_reducer!(
                Export with_types_in $crate::__private::reducer
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
