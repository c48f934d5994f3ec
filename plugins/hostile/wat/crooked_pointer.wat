;; Says that its answer lies where no answer can begin.
(module
  (memory (export "memory") 1)
  ;; What lies there is zero: a plan that reads, carries and produces nothing.
  (func (export "tidemill:plugin/transform@0.1.0#open") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tidemill:plugin/transform@0.1.0#process") (param $rows i32) (param i32 i32) (result i32)
    (i32.const 1025))
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $place i32)
    (local.set $place (global.get $free))
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get $size)) (i32.const 15)) (i32.const -16)))
    (local.get $place))
)
