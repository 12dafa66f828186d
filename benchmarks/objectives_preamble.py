"""What stands above the table of objectives: protocols, budgets, and how to read it."""

from benchmarks.banking77_data import PREAMBLE as BANKING77
from benchmarks.debian_data import SYNOPSIS, TAGS
from benchmarks.medquad_data import PREAMBLE as MEDQUAD

PREAMBLE = f"""
Every objective and strategy on the same tasks. Within a task all methods share towers, batch size, epochs, step size
and seeds, and differ in what their name says; nothing was tuned for a method but where the text below says so.
`train_cpu_s` is CPU time of the training, on a machine that other work shares.

## Protocols

**movielens-100k**: as in `movielens.md` (leave-last-out, full ranking of unseen films), but with less training:
four epochs of 1,024, no training anew with validation. `catalogue`: all films are negatives; else the batch's.
`by-user`: towers without history, one example a user of whom eight films are targets at a step, drawn by rating, 20
epochs of 64; `grades`, `supremix` and `conr` read the ratings. `tail_recall@10`: films not above the median training
count. `pooled_auc`: all positives against each query's 500 best other films, pooled over queries.

**online-retail**: as in `online-retail.md` (split by time), two epochs without training anew.

**debian-synopsis**: {SYNOPSIS.strip()} Bag towers: hashed words and 3-4-grams, 128 dimensions, 96 words, three
epochs of 512. MiniLM reads 48 tokens; `fine-tuned`: 100 steps of 48 training pairs, AdamW 5e-5.
`+bm25`: the sum of z-scores.

**debian-tags**: {TAGS.strip()}

**medquad**: {MEDQUAD.strip()} With a teacher: of the 16 training answers that BM25 finds best for a training
question, by what the towers read, two join the batch for each example, with BM25's scores over the question's best;
softmax and the named objective are summed, its weight such that its gradient is .1 to .3 of the softmax's.
`judged-negatives`: the same candidates at a weight of 1e-6.

**banking77**: {BANKING77.strip()} `consensus`: confident consensus division over two heads of half the width each.
"""
