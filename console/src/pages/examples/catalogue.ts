/** The examples that the console can start: what they show, in words. What they upload and create is in their bundles. */

export type Example = {
  name: string
  /** The question that its model answers. */
  title: string
  shows: string
  /** As it was on a laptop, from the start to the registered version. */
  takes: string
  makes: string[]
  steps: { title: string; does: string }[]
}

const REGISTER = {
  title: "Register",
  does: "What is good enough becomes a version in the registry, with its metrics. It waits for your approval.",
}

export const EXAMPLES: Example[] = [
  {
    name: "car-evaluation",
    title: "Is this car worth its price?",
    shows:
      "The whole road: raw data to a page that anybody can use. Six facts about a car in words, one of four classes. The version brings its own form.",
    takes: "About 20 seconds to a registered version",
    makes: ["1,728 rows of UCI's Car Evaluation", "a pipeline of five steps", "a version that waits for you"],
    steps: [
      {
        title: "Prepare",
        does: "Words become codes; 70, 15 and 15 % of the rows. Writes the form of the model's page.",
      },
      { title: "Train", does: "XGBoost learns the four classes, as probabilities (multi:softprob)." },
      { title: "Evaluate", does: "Accuracy, and the recall of each class, on rows that the training never saw." },
      { title: "Gate", does: "Goes on when the accuracy is at least 0.93." },
      REGISTER,
    ],
  },
  {
    name: "abalone",
    title: "How old is this snail?",
    shows:
      "A regression with a gate: the rings of a snail by its measures. A second run takes what did not change from the cache.",
    takes: "About 20 seconds to a registered version",
    makes: [
      "4,177 made-up rows in the form of UCI's Abalone",
      "a pipeline of five steps",
      "a version that waits for you",
    ],
    steps: [
      { title: "Prepare", does: "The sex becomes three columns of 0 and 1; 70, 15 and 15 % of the rows." },
      { title: "Train", does: "XGBoost learns the number of rings (reg:squarederror)." },
      {
        title: "Evaluate",
        does: "The squared error on rows that the training never saw, beside that of always saying the mean.",
      },
      { title: "Gate", does: "Goes on when the squared error is at most 6." },
      REGISTER,
    ],
  },
  {
    name: "churn",
    title: "Which customers will leave?",
    shows:
      "A gate that compares: a version must beat the majority class, and what is in service. Judged by the same function on the same rows.",
    takes: "About 20 seconds to a registered version",
    makes: ["2,000 made-up customers", "a pipeline with three gates", "a version that waits for you"],
    steps: [
      { title: "Prepare", does: "Columns of words become columns of 0 and 1; 70, 15 and 15 % of the rows." },
      { title: "Train", does: "XGBoost learns the probability that a customer leaves (binary:logistic)." },
      { title: "Evaluate", does: "Accuracy and AUC on rows that the training never saw." },
      {
        title: "Gates",
        does: "At least 0.8 right and above the majority class; then, if something is in service, better than that.",
      },
      REGISTER,
    ],
  },
]

export const exampleOf = (name: string | undefined): Example | undefined => EXAMPLES.find((one) => one.name === name)
