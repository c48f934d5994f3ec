;; A component that says it is a transform; its functions take and answer something else.
(component
  (core module $module
    (func (export "open") (param i32) (result i32) (local.get 0))
    (func (export "process") (param i32) (result i32) (local.get 0)))
  (core instance $core (instantiate $module))
  (func $open (param "x" u32) (result u32) (canon lift (core func $core "open")))
  (func $process (param "x" u32) (result u32) (canon lift (core func $core "process")))
  (instance $transform (export "open" (func $open)) (export "process" (func $process)))
  (export "tidemill:plugin/transform@0.1.0" (instance $transform)))
