import RecurraLayers
import TestSupport
import Testing

extension ArgumentTests {
  private static let zeros = #"{"class_name": "Zeros", "config": {}}"#
  private static let ones = #"{"class_name": "Ones", "config": {}}"#
  private static let glorot = #"{"class_name": "GlorotUniform", "config": {}}"#
  private static let normalization =
    #""epsilon": 0.001, "center": true, "scale": true, "beta_initializer": \#(zeros), "gamma_initializer": \#(ones)"#
  private static let convolution =
    #""strides": [1], "padding": "valid", "dilation_rate": [1], "activation": "linear", "use_bias": true, "#
    + #""bias_initializer": \#(zeros)"#

  /// What layers around the recurrent ones have when only what must be said is said.
  static let around = [
    Default(className: "Subtract", config: "{}", make: { Subtract() }, keras: ""),
    Default(className: "Multiply", config: "{}", make: { Multiply() }, keras: ""),
    Default(className: "Average", config: "{}", make: { Average() }, keras: ""),
    Default(className: "Maximum", config: "{}", make: { Maximum() }, keras: ""),
    Default(className: "Minimum", config: "{}", make: { Minimum() }, keras: ""),
    Default(className: "Masking", config: "{}", make: { Masking() }, keras: #""mask_value": 0.0"#),
    Default(
      className: "Reshape", config: #"{"target_shape": [2, -1]}"#, make: { Reshape(targetShape: [2, -1]) },
      keras: ""),
    Default(className: "Permute", config: #"{"dims": [2, 1]}"#, make: { Permute(dims: [2, 1]) }, keras: ""),
    Default(className: "RepeatVector", config: #"{"n": 3}"#, make: { RepeatVector(3) }, keras: ""),
    Default(className: "ZeroPadding1D", config: "{}", make: { ZeroPadding1D() }, keras: #""padding": [1, 1]"#),
    Default(className: "Cropping1D", config: "{}", make: { Cropping1D() }, keras: #""cropping": [1, 1]"#),
    Default(className: "UpSampling1D", config: "{}", make: { UpSampling1D() }, keras: #""size": 2"#),
    Default(
      className: "ReLU", config: "{}", make: { ReLU() },
      keras: #""max_value": null, "negative_slope": 0.0, "threshold": 0.0"#),
    Default(className: "LeakyReLU", config: "{}", make: { LeakyReLU() }, keras: #""negative_slope": 0.3"#),
    Default(className: "ELU", config: "{}", make: { ELU() }, keras: #""alpha": 1.0"#),
    Default(
      className: "PReLU", config: "{}", make: { PReLU() },
      keras: #""alpha_initializer": \#(zeros), "shared_axes": null"#),
    Default(
      className: "Rescaling", config: #"{"scale": 2.5}"#, make: { Rescaling(scale: 2.5) },
      keras: #""offset": 0.0"#),
    Default(
      className: "Normalization", config: "{}", make: { Normalization() },
      keras: #""axis": [-1], "mean": null, "variance": null, "invert": false"#),
    Default(
      className: "BatchNormalization", config: "{}", make: { BatchNormalization() },
      keras: normalization + #", "axis": -1, "momentum": 0.99, "moving_mean_initializer": \#(zeros), "#
        + #""moving_variance_initializer": \#(ones)"#),
    Default(
      className: "GroupNormalization", config: "{}", make: { GroupNormalization() },
      keras: normalization + #", "axis": -1, "groups": 32"#),
    Default(
      className: "RMSNormalization", config: "{}", make: { RMSNormalization() },
      keras: #""axis": -1, "epsilon": 1e-6"#),
    Default(className: "UnitNormalization", config: "{}", make: { UnitNormalization() }, keras: #""axis": -1"#),
    Default(
      className: "Conv1D", config: #"{"filters": 2, "kernel_size": [3]}"#, make: { Conv1D(filters: 2, kernelSize: 3) },
      keras: convolution + #", "groups": 1, "kernel_initializer": \#(glorot)"#),
    Default(
      className: "DepthwiseConv1D", config: #"{"kernel_size": [3]}"#, make: { DepthwiseConv1D(kernelSize: 3) },
      keras: convolution + #", "depth_multiplier": 1, "depthwise_initializer": \#(glorot)"#),
    Default(
      className: "SeparableConv1D",
      config: #"{"filters": 2, "#
        + #""kernel_size": 3}"#, make: { SeparableConv1D(filters: 2, kernelSize: 3) },
      keras: convolution + #", "depth_multiplier": 1, "depthwise_initializer": \#(glorot), "#
        + #""pointwise_initializer": \#(glorot)"#),
    Default(
      className: "MaxPooling1D", config: "{}", make: { MaxPooling1D() },
      keras: #""pool_size": [2], "strides": [2], "padding": "valid""#),
    Default(
      className: "AveragePooling1D", config: "{}", make: { AveragePooling1D() },
      keras: #""pool_size": [2], "strides": [2], "padding": "valid""#),
    Default(
      className: "GlobalMaxPooling1D", config: "{}", make: { GlobalMaxPooling1D() },
      keras: #""keepdims": false"#),
    Default(
      className: "GlobalAveragePooling1D", config: "{}", make: { GlobalAveragePooling1D() },
      keras: #""keepdims": false"#),
    Default(
      className: "SpatialDropout1D", config: #"{"rate": 0.5}"#, make: { SpatialDropout1D(rate: 0.5) },
      keras: ""),
    Default(className: "GaussianNoise", config: #"{"stddev": 0.5}"#, make: { GaussianNoise(stddev: 0.5) }, keras: ""),
    Default(className: "GaussianDropout", config: #"{"rate": 0.5}"#, make: { GaussianDropout(rate: 0.5) }, keras: ""),
    Default(className: "AlphaDropout", config: #"{"rate": 0.5}"#, make: { AlphaDropout(rate: 0.5) }, keras: ""),
    Default(
      className: "Attention", config: "{}", make: { Attention() },
      keras: #""use_scale": false, "score_mode": "dot", "dropout": 0.0"#),
    Default(
      className: "AdditiveAttention", config: "{}", make: { AdditiveAttention() },
      keras: #""use_scale": true, "dropout": 0.0"#),
    Default(
      className: "MultiHeadAttention", config: #"{"num_heads": 2, "key_dim": 3}"#,
      make: { MultiHeadAttention(numHeads: 2, keyDim: 3) },
      keras: #""value_dim": 3, "dropout": 0.0, "use_bias": true, "output_shape": null, "#
        + #""kernel_initializer": \#(glorot), "bias_initializer": \#(zeros)"#),
    Default(
      className: "TiedDense", config: #"{"tied_to": "table"}"#,
      make: { TiedDense(to: Embedding(inputDim: 3, outputDim: 2)) },
      keras: #""activation": "linear", "use_bias": false, "bias_initializer": \#(zeros)"#),
    Default(
      className: "ActivityRegularization", config: "{}", make: { ActivityRegularization() },
      keras: #""l1": 0.0, "l2": 0.0"#),
  ]
}
