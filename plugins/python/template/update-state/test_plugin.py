import unittest

from plugin import total
from tidemill_plugin import testing


class Total(unittest.TestCase):
    def test_a_state_grows_from_batch_to_batch(self):
        def batch(keys, states):
            return testing.update_state(total, "item: utf8", "price: float64", keys, states).states

        first = batch({"tea": [{"price": 2.5}, {"price": 3.5}]}, {})
        self.assertEqual(first, [{"state": 6.0}])
        self.assertEqual(batch({"tea": [{"price": 1.0}]}, {"tea": first[0]}), [{"state": 7.0}])
