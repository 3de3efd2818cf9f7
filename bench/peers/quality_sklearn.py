"""scikit-learn beside src/quality's models on statistics and words, one thread.

Standard input: a JSON string a line, each a job as JSON. Output: a line of JSON for each job.
  {"task": "features", "matrix": PATH, "rows", "columns", "labels": [..], "train": [..], "test": [..], "repeats"}
    PATH holds the rows' float64 numbers. Gives HistGradientBoostingClassifier's probabilities of the test rows, its median CPU
    seconds to fit, and the coefficients of LogisticRegression on standardised columns, with the seconds to fit it.
  {"task": "bayes", "features": [..], "train": [[text, label], ..], "test": [text, ..], "alpha"}
    Gives MultinomialNB's probabilities on counts of these words and pairs of words.
"""
import os
import sys

# This folder has a text_statistics.py, which packages would import instead of Python's own.
sys.path.pop(0)
os.environ["OMP_NUM_THREADS"] = "1"

import json
import statistics
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.preprocessing import StandardScaler


def timed(make, x, y, repeats):
    seconds = []
    for _ in range(repeats):
        model = make()
        start = time.process_time()
        model.fit(x, y)
        seconds.append(time.process_time() - start)
    return model, statistics.median(seconds)


def on_features(job):
    matrix = np.fromfile(job["matrix"]).reshape(job["rows"], job["columns"])
    labels = np.array(job["labels"])
    train, test = job["train"], job["test"]
    boosted, boosted_seconds = timed(
        lambda: HistGradientBoostingClassifier(early_stopping=False), matrix[train], labels[train], job["repeats"]
    )
    standard = StandardScaler().fit_transform(matrix[train])
    logistic, logistic_seconds = timed(
        lambda: LogisticRegression(C=1, solver="newton-cholesky", tol=1e-8, max_iter=1000),
        standard,
        labels[train],
        job["repeats"],
    )
    return {
        "probabilities": boosted.predict_proba(matrix[test]).tolist(),
        "seconds": boosted_seconds,
        "coefficients": logistic.coef_.tolist(),
        "logisticSeconds": logistic_seconds,
    }


def on_words(job):
    counter = CountVectorizer(vocabulary=job["features"], token_pattern=r"[^\W_]+", ngram_range=(1, 2))
    texts, labels = zip(*job["train"])
    model = MultinomialNB(alpha=job["alpha"]).fit(counter.transform(texts), labels)
    return {"probabilities": model.predict_proba(counter.transform(job["test"])).tolist()}


for line in sys.stdin:
    job = json.loads(json.loads(line))
    print(json.dumps(on_features(job) if job["task"] == "features" else on_words(job)))
