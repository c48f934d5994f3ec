;; A valid component of two parts, each with its memory, one of which hands a text to the other. wasmtime writes
;; the code between them, which uses both memories.
(component
  (component $giver
    (import "take" (func $take (param "text" string)))
    (core module $memory (memory (export "memory") 1))
    (core instance $memory (instantiate $memory))
    (core func $take (canon lower (func $take) (memory (core memory $memory "memory"))))
    (core module $module
      (import "" "take" (func $take (param i32 i32)))
      (func (export "give") (call $take (i32.const 0) (i32.const 4))))
    (core instance $core (instantiate $module (with "" (instance (export "take" (func $take))))))
    (func (export "give") (canon lift (core func $core "give"))))
  (component $taker
    (core module $module
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "take") (param i32 i32)))
    (core instance $core (instantiate $module))
    (func (export "take") (param "text" string)
      (canon lift (core func $core "take") (memory (core memory $core "memory")) (realloc (core func $core "realloc")))))
  (instance $taker (instantiate $taker))
  (instance $giver (instantiate $giver (with "take" (func $taker "take"))))
  (export "give" (func $giver "give")))
