import unittest

from plugin import highest
from tidemill_plugin import testing


class Highest(unittest.TestCase):
    def test_each_group_becomes_one_row(self):
        groups = [[{"price": 2.5}, {"price": 3.5}], [{"price": 99.5}]]
        self.assertEqual(testing.reduce(highest, "price: float64", groups), [{"price": 3.5}, {"price": 99.5}])
