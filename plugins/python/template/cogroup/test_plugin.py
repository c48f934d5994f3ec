import unittest

from plugin import open_orders
from tidemill_plugin import testing


class OpenOrders(unittest.TestCase):
    def test_what_is_paid_is_not_open(self):
        price, amount = {"price": 3.0}, {"amount": 1.0}
        keys = {"ann": ([price], [amount]), "bob": ([price], []), "cid": ([], [amount])}
        rows = testing.cogroup(open_orders, "client: utf8", "price: float64", "amount: float64", keys)
        self.assertEqual(rows, [{"client": "ann", "open": 2.0}, {"client": "bob", "open": 3.0}])
