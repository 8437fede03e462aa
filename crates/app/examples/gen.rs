fn main() {
    let c = ts_rs::Config::new().with_out_dir("ui/src/backend/generated").with_large_int("number");
    resident_app::api::export_types(&c).unwrap();
    println!("{}", resident_app::api::typescript_methods(&c));
}
