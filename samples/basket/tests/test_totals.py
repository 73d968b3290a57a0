import unittest

from basket.totals import Line, subtotal, total


class Totals(unittest.TestCase):
    def test_one_of_each(self) -> None:
        self.assertEqual(subtotal([Line("tea", 1, 350), Line("cup", 1, 900)]), 1250)

    def test_two_of_a_kind(self) -> None:
        self.assertEqual(subtotal([Line("tea", 2, 350)]), 700)

    def test_small_baskets_pay_shipping(self) -> None:
        self.assertEqual(total([Line("cup", 1, 900)]), 1390)


if __name__ == "__main__":
    unittest.main()
