;; Answers a thousand columns, each a list of a million numbers: eight thousand megabytes, though it has ten.
;; The lists all lie in the same place.
(module
  (memory (export "memory") 160)
  ;; What lies there is zero: a plan that reads, carries and produces nothing.
  (func (export "tidemill:plugin/transform@0.1.0#open") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tidemill:plugin/transform@0.1.0#process") (param $rows i32) (param i32 i32) (result i32)
    (local $column i32)
    (local.set $column (i32.const 0x10000))
    (loop $next
      ;; A list of 64-bit numbers, at 0, of so many.
      (i32.store8 (local.get $column) (i32.const 1))
      (i32.store offset=8 (local.get $column) (i32.const 1000000))
      (local.set $column (i32.add (local.get $column) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $column) (i32.const 0x17d00))))
    (i32.store (i32.const 1028) (local.get $rows))
    (i32.store (i32.const 1032) (i32.const 0x10000))
    (i32.store (i32.const 1036) (i32.const 1000))
    (i32.const 1024))
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $place i32)
    (local.set $place (global.get $free))
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get $size)) (i32.const 15)) (i32.const -16)))
    (local.get $place))
)
