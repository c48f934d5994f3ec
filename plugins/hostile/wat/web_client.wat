;; A component that asks for the web, beside what a transform is.
(component
  (import "wasi:http/outgoing-handler@0.2.0" (instance))
  (core module $none)
  (core instance (instantiate $none))
  (instance $transform)
  (export "tidemill:plugin/transform@0.1.0" (instance $transform)))
