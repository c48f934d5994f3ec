import unittest

from plugin import Mean
from tidemill_plugin import testing


class MeanPrice(unittest.TestCase):
    def test_each_group_becomes_one_row(self):
        groups = [[{"price": 2.5}, {"price": 3.5}], [{"price": 99.5}]]
        self.assertEqual(testing.aggregate(Mean, "price: float64", groups), [{"mean": 3.0}, {"mean": 99.5}])
