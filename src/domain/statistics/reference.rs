//! Every value that the reference implementations give for the census data and for
//! textbook examples.
#![allow(clippy::unwrap_used)]

use super::{
    InputError, chart, contingency,
    counts::{Counts, Edges, Pair},
    distance::{self, Base},
    evidence, fairness, kolmogorov, rate, transport,
};

fn pair(reference: &[u64], current: &[u64]) -> Pair {
    Pair::new(Counts::new(reference.to_vec()).unwrap(), Counts::new(current.to_vec()).unwrap()).unwrap()
}

/// Marital status in 2015 and 2018.
fn mar() -> Pair {
    pair(&[28206, 3555, 5434, 808, 30782], &[28943, 3396, 5675, 833, 31284])
}

/// Age in the deciles of 2015.
fn agep() -> Pair {
    pair(
        &[6504, 6313, 7399, 6852, 6857, 7083, 6227, 7031, 7325, 7194],
        &[6463, 6155, 7428, 7247, 7309, 6529, 5867, 7314, 8245, 7574],
    )
}

/// As many digits as the reference gives: 12 significant ones.
fn same(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-11 * wanted.abs().max(1e-3), "{found} is not {wanted}");
}

fn relative(found: f64, wanted: f64, tolerance: f64) {
    assert!((found / wanted - 1.0).abs() <= tolerance, "{found} is not {wanted}");
}

#[test]
fn distances_of_the_census_are_those_of_evidently_and_nannyml() {
    let (mar, agep) = (mar(), agep());
    same(distance::population_stability_index(&mar), 0.000_281_363_213_621_290_06);
    same(distance::jensen_shannon(&mar, Base::E), 0.005_930_056_357_65);
    same(distance::jensen_shannon(&mar, Base::Two), 0.007_122_723_576_54);
    same(distance::hellinger(&mar), 0.005_930_260_095_82);
    same(distance::total_variation(&mar), 0.004_689_993_922_81);
    same(distance::l_infinity(&mar), 0.003_259_115_390_39);
    same(distance::population_stability_index(&agep), 0.003_389_433_419_32);
    same(distance::jensen_shannon(&agep, Base::E), 0.020_580_263_589_5);
    same(distance::jensen_shannon(&agep, Base::Two), 0.024_719_415_776_1);
    same(distance::hellinger(&agep), 0.020_581_865_765_7);
    // The reference prints …340341; in exact fractions it is …340741.
    same(distance::total_variation(&agep), 0.024_811_340_741_326_727);
    same(distance::l_infinity(&agep), 0.011_074_457_655_7);
}

#[test]
fn empty_bins_are_filled_as_evidently_fills_them() {
    // Evidently 0.7.23 on columns of codes: beside a share of 1e-5 an empty bin becomes 1e-11, else 1e-4.
    let pair = pair(&[99_979, 1, 20, 0, 0], &[50_000, 9_000, 0, 1_000, 0]);
    same(distance::population_stability_index(&pair), 1.826_559_181_843_288_5);
    same(distance::kullback_leibler(&pair), 0.182_215_757_476_054_04);
}

#[test]
fn chi_squares_of_the_census_are_those_of_scipy() {
    let mar_test = contingency::contingency(&mar());
    relative(mar_test.statistic, 9.769_981_344_11, 1e-11);
    relative(mar_test.p, 0.044_485_787_787_6, 1e-9);
    relative(mar_test.cramers_v, (9.769_981_344_11f64 / (68_785.0 + 70_131.0)).sqrt(), 1e-9);
    relative(contingency::goodness_of_fit(&mar()).unwrap().p, 0.000_685_886_239_327, 1e-9);
    let agep_test = contingency::contingency(&agep());
    relative(agep_test.statistic, 117.631_787_395, 1e-11);
    relative(agep_test.p, 4.076_950_319_529e-21, 1e-6);
    assert_eq!(agep_test.freedom, 9);
}

#[test]
fn age_moves_as_scipy_says() {
    let ks = kolmogorov::on_bins(&agep());
    same(ks.distance, 0.016_559_080_335_1);
    relative(ks.p, 1.059_494_919_074_064e-8, 1e-6);
    // Wasserstein on whole years of age is exact.
    let years = |counts: &[u64; 96]| [&[0], counts.as_slice()].concat();
    let edges = Edges::new((0..=95).map(f64::from).collect()).unwrap();
    let moved = transport::wasserstein(&pair(&years(&AGES_2015), &years(&AGES_2018)), &edges).unwrap();
    same(moved, 0.554_215_471_776);
    // The deviation is numpy's, of the population.
    same(transport::normalised(moved, 23.301_160_906_168_853).unwrap(), 0.023_784_886_684_7);
}

/// People of each age from 0 to 95.
const AGES_2015: [u64; 96] = [
    609, 593, 607, 606, 634, 638, 657, 738, 713, 709, 743, 738, 710, 752, 816, 784, 882, 888, 1116, 1306,
    1168, 1098, 966, 907, 838, 901, 933, 863, 792, 824, 834, 905, 800, 844, 778, 799, 718, 760, 738, 721,
    731, 768, 798, 808, 922, 931, 857, 851, 937, 979, 1075, 972, 984, 1028, 1074, 1094, 1029, 1013, 977,
    1078, 1018, 956, 960, 969, 930, 908, 833, 861, 802, 693, 710, 619, 636, 579, 475, 403, 412, 378, 412,
    366, 363, 333, 348, 297, 254, 263, 275, 227, 204, 206, 156, 161, 0, 0, 446, 0,
];
const AGES_2018: [u64; 96] = [
    563, 609, 628, 607, 623, 673, 676, 649, 725, 710, 706, 712, 758, 762, 771, 830, 796, 820, 1180, 1291,
    1084, 1123, 910, 918, 922, 867, 915, 917, 881, 879, 983, 912, 893, 870, 825, 887, 782, 782, 757, 782,
    830, 794, 718, 740, 768, 801, 838, 902, 836, 926, 924, 932, 994, 937, 1036, 1044, 1081, 1125, 1037, 1021,
    1022, 987, 1041, 1048, 949, 954, 934, 875, 892, 826, 862, 905, 683, 579, 599, 620, 498, 421, 387, 368,
    344, 394, 314, 288, 223, 252, 231, 209, 214, 176, 147, 101, 0, 0, 0, 526,
];

#[test]
fn a_bin_that_is_empty_in_the_reference_has_no_goodness_of_fit() {
    let found = contingency::goodness_of_fit(&pair(&[5, 0], &[4, 1]));
    assert_eq!(found, Err(InputError::NothingExpected { bin: 1 }));
    assert!(contingency::goodness_of_fit(&pair(&[5, 0, 2], &[4, 0, 2])).is_ok());
}

#[test]
fn rates_are_compared_as_statsmodels_does() {
    let of = |k, n| rate::Proportion::new(k, n).unwrap();
    for (k, n, low, high) in [
        (6, 200, 0.013_820_314_3, 0.063_894_292_5),
        (0, 30, 0.0, 0.113_513_393_2),
        (12, 168, 0.041_329_237_4, 0.120_689_049_8),
    ] {
        let found = of(k, n).wilson(0.95);
        assert!((found.0 - low).abs() < 1e-10 && (found.1 - high).abs() < 1e-10, "{found:?}");
    }
    let test = rate::two_proportions(&of(30, 1000), &of(52, 1000));
    assert!((test.z - 2.480_883_96).abs() < 1e-8, "{test:?}");
    relative(test.p, 0.013_105_7, 1e-6);
    let e = evidence::log_e_value(&of(18, 200), 0.05).unwrap().exp();
    relative(e, 0.830_662_207_487_2, 1e-12);
}

#[test]
fn the_ewma_of_the_nist_handbook_has_its_limits() {
    let limits = chart::Ewma::new(0.3, 50.0, 2.0539, 3.0).unwrap().limits();
    assert!((limits.high - 52.5884).abs() < 5e-5 && (limits.low - 47.4116).abs() < 5e-5, "{limits:?}");
}

#[test]
fn groups_of_the_census_are_as_fair_as_fairlearn_says() {
    let group = |name: &str, tp, fp, tn, fn_| fairness::Group::new(name.into(), tp, fp, tn, fn_).unwrap();
    let groups = [group("1", 15370, 2878, 13254, 2378), group("2", 15120, 4237, 14340, 2554)];
    let found = fairness::compare(&groups, fairness::MINIMUM_GROUP).unwrap();
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 5.1e-6, "{found} is not {wanted}");
    let parity = found.demographic_parity.as_ref().unwrap();
    near(parity.difference, 0.00464);
    near(parity.ratio, 0.99139);
    near(found.equal_opportunity.as_ref().unwrap().difference, 0.01052);
    let (difference, ratio) = found.equalized_odds().unwrap();
    near(difference, 0.04967);
    near(ratio, 0.78220);
    near(found.overall_accuracy.share(), 0.82822);
}
