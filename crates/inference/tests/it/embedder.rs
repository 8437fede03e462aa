//! The default embedder against reference vectors and against human judgement.

use resident_inference::MiniLmEmbedder;
use resident_memory::Embedder;
use serde::Deserialize;

use crate::models::{root, weights};

fn embedder() -> MiniLmEmbedder {
    MiniLmEmbedder::load(&weights("all-minilm-l6-v2")).unwrap()
}

#[derive(Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The vectors were computed with NumPy in double precision from the same weights (`fixtures/minilm.py`).
#[test]
fn vectors_equal_the_reference() {
    /// Weights of eight bits against double precision, over six layers.
    const TOLERANCE: f32 = 5e-3;
    const LEAST_COSINE: f32 = 0.9995;
    let references: Vec<Reference> = serde_json::from_str(include_str!("../fixtures/minilm.json")).unwrap();
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    let embedder = embedder();
    let together = embedder.embed(&texts).unwrap();
    for (reference, vector) in references.iter().zip(&together) {
        assert_eq!(vector.len(), embedder.dimension());
        let alone = &embedder.embed(&[&reference.text]).unwrap()[0];
        assert!(
            dot(&reference.vector, vector) > LEAST_COSINE,
            "{:?}: {}",
            reference.text,
            dot(&reference.vector, vector)
        );
        for ((expected, got), alone) in reference.vector.iter().zip(vector).zip(alone) {
            assert!((expected - got).abs() < TOLERANCE, "{:?}: {expected} {got}", reference.text);
            assert_eq!(got, alone, "the same in a batch and alone");
        }
        assert!((dot(vector, vector) - 1.0).abs() < 1e-5, "unit length");
    }
}

#[test]
fn the_id_names_the_folder_and_the_weights() {
    assert_eq!(embedder().id(), "all-minilm-l6-v2@53aa51172d14");
    assert_eq!(embedder().dimension(), 384);
}

#[test]
fn odd_texts_are_embedded_too() {
    let long = "word ".repeat(5_000);
    let vectors = embedder().embed(&["", " ", "\0", "🦀", &long]).unwrap();
    for vector in vectors {
        assert!(vector.iter().all(|value| value.is_finite()));
        assert!((dot(&vector, &vector) - 1.0).abs() < 1e-5);
    }
    assert!(embedder().embed(&[]).unwrap().is_empty());
}

/// Ranks with ties shared.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let first = order.iter().position(|index| index == &tied[0]).unwrap();
        for index in tied {
            ranks[*index] = first as f64 + (tied.len() - 1) as f64 / 2.0;
        }
    }
    ranks
}

fn spearman(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() - 1) as f64 / 2.0;
    let covariance: f64 = a.iter().zip(&b).map(|(a, b)| (a - mean) * (b - mean)).sum();
    let spread = |ranks: &[f64]| ranks.iter().map(|rank| (rank - mean).powi(2)).sum::<f64>().sqrt();
    covariance / (spread(&a) * spread(&b))
}

#[test]
fn it_ranks_sts_b_as_people_do() {
    let path = root().join("../shared/data/stsb-test.csv");
    let Ok(table) = std::fs::read_to_string(&path) else {
        println!("skipped: STS-B (`stsb-test.csv`) is not beside the repository");
        return;
    };
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let scores: Vec<f32> = rows.iter().map(|row| row[4].parse().unwrap()).collect();
    let texts: Vec<&str> = rows.iter().map(|row| row[5]).chain(rows.iter().map(|row| row[6])).collect();
    let vectors = embedder().embed(&texts).unwrap();
    let (first, second) = vectors.split_at(rows.len());
    let cosines: Vec<f32> = first.iter().zip(second).map(|(a, b)| dot(a, b)).collect();
    let correlation = spearman(&cosines, &scores);
    println!("STS-B test, {} pairs: Spearman {correlation:.4}", rows.len());
    assert!(correlation >= 0.81, "{correlation}");
}
