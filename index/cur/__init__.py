"""Search by a cross-encoder that scores few items of a query: the others are estimated from a CUR factorization.

R [Q, N] holds the cross-encoder's scores of Q anchor queries for the whole corpus, scored before any request. The
scores of a new query for few items say how it mixes the anchor queries, and so what it would score the others: Yadav et
al., "Efficient Nearest Neighbor Search for Cross-Encoder Models using Matrix Factorization" (2022, ANNCUR) and
"Adaptive Retrieval and Scalable Indexing for k-NN Search with Cross-Encoders" (2024, ADACUR).
"""
