@_exported public import RecurraCells
@_exported public import RecurraLayers
@_exported public import RecurraTensor
@_exported public import RecurraTraining
