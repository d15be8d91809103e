//! The log as static files, over HTTP and in a folder.

use super::{checkpoint, grow, steward};
use crate::support::TestServer;
use std::{fs, path::Path};
use steward_registry::audit::{
    checkpoint::SignedCheckpoint,
    merkle::leaf_hash,
    tile::{self, Kind, Tile},
};

async fn get(server: &TestServer, path: &str) -> reqwest::Response {
    reqwest::get(format!("http://{}/{path}", server.address)).await.unwrap()
}

async fn body(server: &TestServer, path: &str) -> Vec<u8> {
    let response = get(server, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(
                files(&path)
                    .into_iter()
                    .map(|name| format!("{}/{name}", path.file_name().unwrap().to_str().unwrap())),
            ),
            false => found.push(path.file_name().unwrap().to_str().unwrap().to_owned()),
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn the_folder_holds_what_is_served_and_grows_without_changing() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("log");
    let path = folder.to_str().unwrap();
    let mut before: Vec<(String, Vec<u8>)> = Vec::new();
    for size in [1, 200, 256, 300, 600] {
        grow(&server, size).await;
        // All of them, also those since the last checkpoint.
        steward(&server, &["audit", "publish", path]).await.unwrap();
        let names = files(&folder);
        let read = |name: &String| (name.clone(), fs::read(folder.join(name)).unwrap());
        let now: Vec<_> = names.iter().map(read).collect();
        for (name, content) in before.iter().filter(|(name, _)| name != "checkpoint") {
            assert!(now.contains(&(name.clone(), content.clone())), "{name} has changed at {size}");
        }
        for (name, content) in &now {
            assert_eq!(body(&server, name).await, *content, "{name}");
        }
        before = now;
    }
    // All of the files that the specification names are there.
    for tile in tile::grown(0, 600) {
        assert!(folder.join(tile.to_string()).exists(), "{tile}");
    }
    let again = steward(&server, &["audit", "publish", path]).await;
    assert_eq!(again.unwrap(), "");
    server.stop().await;
}

#[tokio::test]
async fn files_are_cached_for_ever_and_the_checkpoint_never() {
    let server = TestServer::start().await;
    grow(&server, 300).await;
    let caching = async |path: &str| {
        let response = get(&server, path).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        (response.status().as_u16(), header("cache-control"), header("content-type"))
    };
    let text = "text/plain; charset=utf-8".to_owned();
    assert_eq!(caching("checkpoint").await, (200, "no-cache".to_owned(), text.clone()));
    assert_eq!(caching("verifier-keys").await, (200, "no-cache".to_owned(), text.clone()));
    let for_ever =
        (200, "public, max-age=31536000, immutable".to_owned(), "application/octet-stream".to_owned());
    for path in
        ["tile/0/000", "tile/entries/000", "tile/0/001.p/44", "tile/entries/001.p/7", "tile/1/000.p/1"]
    {
        assert_eq!(caching(path).await, for_ever, "{path}");
        assert_eq!(caching(&format!("namespaces/default/{path}")).await, for_ever, "{path}");
    }
    // What is not there yet must not be kept as missing.
    for path in [
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/2/000.p/1",
        "tile/0/1",
        "tile/x",
        "namespaces/none/checkpoint",
    ] {
        assert_eq!(caching(path).await, (404, "no-cache".to_owned(), text.clone()), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn leaves_and_hashes_that_are_served_make_the_root_that_is_signed() {
    let server = TestServer::start().await;
    grow(&server, 70).await;
    let signed = SignedCheckpoint::parse(&body(&server, "checkpoint").await).unwrap();
    let size = signed.checkpoint().size();
    let bundle = Tile::in_tree(Kind::Entries, 0, size).unwrap();
    let content = body(&server, &bundle.to_string()).await;
    let leaves = tile::leaves(bundle, &content).unwrap();
    let hashes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf_hash(leaf)).collect();
    let tile = Tile::in_tree(Kind::Hashes { level: 0 }, 0, size).unwrap();
    assert_eq!(body(&server, &tile.to_string()).await, hashes);
    let last = leaves.last().unwrap();
    assert!(last.windows(20).any(|text| text == format!("{:020}", size - 1).as_bytes()));
    server.stop().await;
}

#[tokio::test]
async fn a_folder_takes_no_other_history_and_no_spoilt_one() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    grow(&server, 300).await;
    other.model("stranger").await;
    grow(&other, 400).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    steward(&server, &["audit", "publish", path]).await.unwrap();
    // What is full is read again by `audit verify`; growing reads what it goes on from.
    let tile = dir.path().join("tile/0/001.p/44");
    let mut content = fs::read(&tile).unwrap();
    content[100] ^= 1;
    fs::write(&tile, &content).unwrap();
    grow(&server, 310).await;
    checkpoint(&server, 310).await;
    let spoilt = steward(&server, &["audit", "publish", path]).await.unwrap_err();
    assert!(spoilt.contains("is not what its checkpoint says"), "{spoilt}");
    content[100] ^= 1;
    fs::write(&tile, &content).unwrap();
    steward(&server, &["audit", "publish", path]).await.unwrap();
    // Test servers draw the same ids, so the other log has the same name and another content.
    let foreign = steward(&other, &["audit", "publish", path]).await.unwrap_err();
    assert!(foreign.contains("nothing was published") || foreign.contains("another one"), "{foreign}");
    let key = "steward:logs/other+9c4bb7e9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    let untrusted = steward(&server, &["audit", "publish", path, "--key", key]).await.unwrap_err();
    assert!(untrusted.contains("id"), "{untrusted}");
    server.stop().await;
    other.stop().await;
}
