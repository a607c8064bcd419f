/// The inverse of the normal distribution function, from arithmetic alone so that every machine gets the same bits.
package enum NormalDistribution {
  /// Returns the x whose share of the distribution below it is `share`, for 0 < share < 1; relative error about 1e-16.
  ///
  /// - Source: Wichura, algorithm AS 241, Applied Statistics 37 (1988).
  package static func quantile(_ share: Double) -> Double {
    let q = share - 0.5
    if q.magnitude <= 0.425 {
      let r = 0.180625 - q * q
      return q
        * ratio(
          r,
          [
            3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
            45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
          ],
          [
            1, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077, 21213.794301586595867,
            39307.895800092710610, 28729.085735721942674, 5226.4952788528545610,
          ])
    }
    let r = (-logarithm(q < 0 ? share : 1 - share)).squareRoot()
    let value: Double
    if r <= 5 {
      value = ratio(
        r - 1.6,
        [
          1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
          1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4,
        ],
        [
          1, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550, 0.148103976427480074590,
          0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
        ])
    } else {
      value = ratio(
        r - 5,
        [
          6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
          0.0265321895265761230930, 0.00124266094738807843860, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
        ],
        [
          1, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525, 7.86869131145613259100e-4,
          1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
        ])
    }
    return q < 0 ? -value : value
  }

  private static func ratio(
    _ x: Double, _ numerator: InlineArray<8, Double>, _ denominator: InlineArray<8, Double>
  ) -> Double {
    var (above, below) = (0.0, 0.0)
    for i in stride(from: 7, through: 0, by: -1) {
      above = above * x + numerator[i]
      below = below * x + denominator[i]
    }
    return above / below
  }

  /// Natural logarithm from arithmetic alone: ln m = 2 artanh((m − 1)/(m + 1)), with m scaled to [√½, √2].
  static func logarithm(_ x: Double) -> Double {
    var (mantissa, exponent) = (x.significand, Int(x.exponent))
    if mantissa > 1.4142135623730951 { (mantissa, exponent) = (mantissa / 2, exponent + 1) }
    let z = (mantissa - 1) / (mantissa + 1)
    let square = z * z
    var series = 0.0
    for k in stride(from: 25, through: 1, by: -2) { series = series * square + 1 / Double(k) }
    return Double(exponent) * 0.6931471805599453 + 2 * z * series
  }
}
