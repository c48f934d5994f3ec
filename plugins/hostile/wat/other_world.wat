;; A valid component that does something else: doubles a number.
(component
  (core module $module
    (func (export "double") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1))))
  (core instance $core (instantiate $module))
  (func $double (param "number" u32) (result u32) (canon lift (core func $core "double")))
  (export "double" (func $double)))
