package tidemill

import "tidemill/internal/guest"

// Config is what the manifest's config says: T is a struct whose fields are options, named as columns are. One with the tag
// `tidemill:"name,required"` has to be given.
type Config[T any] struct {
	value *T
}

// NewConfig declares the config, once in a plugin; what its fields are is their default.
//
//	var config = tidemill.NewConfig(Settings{Most: 64})
func NewConfig[T any](defaults T) Config[T] {
	value := &defaults
	guest.DeclareConfig(value)
	return Config[T]{value}
}

// Get answers what the manifest says, with the defaults; in tests, and before the plugin is opened, the defaults alone.
func (config Config[T]) Get() T {
	return *config.value
}
