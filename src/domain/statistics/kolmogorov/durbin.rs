//! The exact distribution of the two-sided statistic by powers of Durbin's matrix
//! (Marsaglia, Tsang and Wang 2003). All entries are positive, so nothing cancels.

/// Numbers are kept below this power of ten by taking it out.
const TOO_LARGE: f64 = 1e140;

/// A square matrix times a power of `TOO_LARGE`.
struct Scaled {
    size: usize,
    cells: Vec<f64>,
    taken: i32,
}

impl Scaled {
    fn times(&self, other: &Scaled) -> Scaled {
        let size = self.size;
        let mut cells = vec![0.0; size * size];
        for (row, left) in cells.chunks_mut(size).zip(self.cells.chunks(size)) {
            for (factor, right) in left.iter().zip(other.cells.chunks(size)) {
                row.iter_mut().zip(right).for_each(|(cell, right)| *cell += factor * right);
            }
        }
        let mut product = Scaled { size, cells, taken: self.taken + other.taken };
        if product.centre() > TOO_LARGE {
            product.cells.iter_mut().for_each(|cell| *cell /= TOO_LARGE);
            product.taken += 1;
        }
        product
    }

    fn centre(&self) -> f64 {
        self.cells[(self.size / 2) * self.size + self.size / 2]
    }

    /// The power by repeated squaring; `exponent` ≥ 1.
    fn power(self, mut exponent: u64) -> Scaled {
        let mut square = self;
        let mut result: Option<Scaled> = None;
        while exponent > 1 {
            if exponent % 2 == 1 {
                result = Some(result.map_or_else(|| square.copy(), |result| result.times(&square)));
            }
            square = square.times(&square);
            exponent /= 2;
        }
        match result {
            Some(result) => result.times(&square),
            None => square,
        }
    }

    fn copy(&self) -> Scaled {
        Scaled { size: self.size, cells: self.cells.clone(), taken: self.taken }
    }
}

/// The probability that the statistic of `n` observations is below `d`; 1/n < d < 1. Takes
/// (2nd)³·log n steps.
pub(super) fn below(n: f64, d: f64) -> f64 {
    let k = (n * d).floor() + 1.0;
    let h = k - n * d;
    let size = 2 * k as usize - 1;
    let power = Scaled { size, cells: matrix(size, h), taken: 0 }.power(n as u64);
    // Times n!/n^n, factor by factor, in the same scale.
    let (mut result, mut taken) = (power.centre(), power.taken);
    for i in 1..=n as u64 {
        result *= i as f64 / n;
        if result < 1.0 / TOO_LARGE {
            result *= TOO_LARGE;
            taken -= 1;
        }
    }
    result * TOO_LARGE.powi(taken)
}

fn matrix(size: usize, h: f64) -> Vec<f64> {
    let mut cells = vec![0.0; size * size];
    let mut at = |row: usize, column: usize, value: f64| cells[row * size + column] = value;
    for row in 0..size {
        for column in 0..=(row + 1).min(size - 1) {
            let mut value = 1.0;
            if column == 0 {
                value -= h.powi(row as i32 + 1);
            }
            if row == size - 1 {
                value -= h.powi((size - column) as i32);
            }
            if row == size - 1 && column == 0 && h > 0.5 {
                value += (2.0 * h - 1.0).powi(size as i32);
            }
            let factorial: f64 = (2..=row + 1 - column).map(|i| i as f64).product();
            at(row, column, value / factorial);
        }
    }
    cells
}
