"""The least that ranking can cost: a sparse product and the best of each row, in C, and nothing else."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

SOURCE = r"""
#include <stdint.h>
#include <string.h>
/* For each row of A (readers x keywords): add up rows of B (keywords x papers), keep the best `most` by insertion. */
void rank(int64_t rows, int64_t width, int64_t most, const int32_t *ap, const int32_t *aj, const double *ax,
          const int32_t *bp, const int32_t *bj, const double *bx, double *sum, int32_t *place, double *value) {
    for (int64_t i = 0; i < rows; i++) {
        memset(sum, 0, width * sizeof(double));
        for (int32_t k = ap[i]; k < ap[i + 1]; k++)
            for (int32_t e = bp[aj[k]]; e < bp[aj[k] + 1]; e++) sum[bj[e]] += ax[k] * bx[e];
        int32_t *p = place + i * most;
        double *v = value + i * most;
        int64_t kept = 0;
        for (int64_t j = 0; j < width; j++) {
            if (kept == most && sum[j] <= v[most - 1]) continue;
            int64_t at = kept < most ? kept++ : most - 1;
            for (; at > 0 && v[at - 1] < sum[j]; at--) { v[at] = v[at - 1]; p[at] = p[at - 1]; }
            v[at] = sum[j];
            p[at] = (int32_t)j;
        }
    }
}
"""


def bare_kernel(weights, table, most):
    """Seconds of the processor a row, for the best of every row; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "rank.c"), Path(folder, "rank.so")
        source.write_text(SOURCE)
        command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        kernel = ctypes.CDLL(str(library)).rank
    places, values = np.zeros((weights.shape[0], most), dtype=np.int32), np.zeros((weights.shape[0], most))
    arrays = [
        *(np.ascontiguousarray(part, dtype=np.int32) for part in (weights.indptr, weights.indices)), weights.data,
        *(np.ascontiguousarray(part, dtype=np.int32) for part in (table.indptr, table.indices)), table.data,
        np.zeros(table.shape[1]), places, values,
    ]  # fmt: skip
    sizes = [ctypes.c_int64(size) for size in (weights.shape[0], table.shape[1], most)]
    start = process_time()
    kernel(*sizes, *(ctypes.c_void_p(array.ctypes.data) for array in arrays))
    return (process_time() - start) / weights.shape[0]
