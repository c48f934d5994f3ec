;; Never answers where the host's argument is to go.
(module
  (memory (export "memory") 1)
  ;; What lies there is zero: a plan that reads, carries and produces nothing.
  (func (export "tidemill:plugin/transform@0.1.0#open") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "tidemill:plugin/transform@0.1.0#process") (param $rows i32) (param i32 i32) (result i32)
    ;; As many rows as came, without columns.
    (i32.store (i32.const 1028) (local.get $rows))
    (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop $again (br $again)) unreachable)
)
