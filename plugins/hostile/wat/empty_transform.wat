;; A component that says it is a transform, and has none of its functions.
(component
  (instance $transform)
  (export "tidemill:plugin/transform@0.1.0" (instance $transform)))
