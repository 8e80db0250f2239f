"""AWS's built-in linear learner: linear and logistic regression, hinge, quantile and softmax models."""
