/** What an image is called in words. A tag chooses no version here, so none is told; images of one's own keep their tag. */

const WORDS: Record<string, string> = {
  "sagemaker-xgboost": "XGBoost",
  xgboost: "XGBoost",
  "sagemaker-scikit-learn": "scikit-learn",
  "pytorch-training": "PyTorch",
  "pytorch-inference": "PyTorch (inference)",
  "linear-learner": "Linear learner",
  kmeans: "K-means",
  "factorization-machines": "Factorization machines",
  "sagemaker-sparkml-serving": "SparkML serving",
  "sagemaker-model-monitor-analyzer": "Model monitor",
  "sagemaker-spark-processing": "Spark",
}

export function imageInWords(uri: string | undefined): string {
  if (!uri) return "–"
  const last = uri.split("@")[0]?.split("/").at(-1) ?? uri
  const [repository = last, tag] = last.split(":")
  const python = /^sagemaker-base-python-(\d)(\d+)$/.exec(repository)
  if (python) return `Python ${python[1]}.${python[2]}`
  return WORDS[repository] ?? (tag && tag !== "latest" ? `${repository}:${tag}` : repository)
}

/** A hyperparameter as SDK 2 sends it is a JSON value: "train.py" stands there with its quotation marks. */
export function plain(value: string | undefined): string | undefined {
  if (value === undefined || !/^".*"$/s.test(value)) return value
  try {
    const read: unknown = JSON.parse(value)
    return typeof read === "string" ? read : value
  } catch {
    return value
  }
}
