// Judges a log in the layout of C2SP tlog-tiles, in a folder or at a URL, with Go's own
// x/mod/sumdb/tlog and note. The log's key and what is judged beside it (earlier checkpoints, proofs)
// lie in a folder: the log's own, or a second one. Ends with 0 if everything is right, with 1 and
// a reason if not.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// folder reads tiles for tlog, which names them by another path. What is judged beside the log
// lies in the folder `beside`.
type folder struct{ path, beside string }

var client = http.Client{Timeout: 10 * time.Second}

// read gives a file of the log.
func (f folder) read(name string) ([]byte, error) {
	if !strings.HasPrefix(f.path, "http://") {
		return os.ReadFile(filepath.Join(f.path, name))
	}
	response, err := client.Get(f.path + "/" + name)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, 1<<26))
}

func (f folder) Height() int                         { return 8 }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		name := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		name = strings.Replace(name, "tile/8/", "tile/", 1)
		data, err := f.read(name)
		if err != nil {
			return nil, err
		}
		if tile.L >= 0 && len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", name, len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

// leaves gives the leaves of all entry bundles.
func (f folder) leaves(size int64) ([][]byte, error) {
	var leaves [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		data, err := f.ReadTiles([]tlog.Tile{{H: 8, L: -1, N: n, W: int(width)}})
		if err != nil {
			return nil, err
		}
		rest := data[0]
		for i := int64(0); i < width; i++ {
			if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
				return nil, fmt.Errorf("entry bundle %d ends within leaf %d", n, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(rest))
			leaves = append(leaves, rest[2:end])
			rest = rest[end:]
		}
		if len(rest) != 0 {
			return nil, fmt.Errorf("entry bundle %d goes on after its last leaf", n)
		}
	}
	return leaves, nil
}

// open verifies a checkpoint and reads its three lines.
func open(text string, verifiers note.Verifiers) (tree tlog.Tree, origin string, err error) {
	signed, err := note.Open([]byte(text), verifiers)
	if err != nil {
		return tree, "", err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tree, "", errors.New("a checkpoint must have three lines")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, "", err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, lines[0], err
}

// proof reads lines up to an empty one: a first line with a number behind a word, and hashes.
func proof(text, word string) (number int64, hashes []tlog.Hash, below string, err error) {
	head, below, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || !strings.HasPrefix(lines[0], word+" ") {
		return 0, nil, "", fmt.Errorf("no line %q or no checkpoint", word)
	}
	if number, err = strconv.ParseInt(lines[0][len(word)+1:], 10, 64); err != nil {
		return 0, nil, "", err
	}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, "", err
		}
		hashes = append(hashes, hash)
	}
	return number, hashes, below, nil
}

func read(path ...string) string {
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		panic(err)
	}
	return string(data)
}

// judgeTiles has tlog grow the tree from the leaves, and compares its root and its tiles with
// those in the folder; then it proves leaves out of the folder's tiles.
func judgeTiles(log folder, tree tlog.Tree, leaves [][]byte) error {
	var stored []tlog.Hash
	grown := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for n, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(n), leaf, grown)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	for _, tile := range tlog.NewTiles(8, 0, tree.N) {
		// It also lists the partial tiles of smaller trees.
		if tile.W < 256 && tile.N*256+int64(tile.W) != tree.N>>(8*tile.L) {
			continue
		}
		theirs, err := tlog.ReadTileData(tile, grown)
		if err != nil {
			return err
		}
		ours, err := log.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(ours[0], theirs) {
			return fmt.Errorf("%s is not the tile of these leaves", tile.Path())
		}
	}
	root, err := tlog.TreeHash(tree.N, grown)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the leaves have another root")
	}
	return judgeReader(tlog.TileHashReader(tree, log), tree, leaves)
}

// judgeReader has tlog prove leaves out of tiles.
func judgeReader(reader tlog.HashReader, tree tlog.Tree, leaves [][]byte) error {
	for n := int64(0); n < tree.N; n += 997 {
		record, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(record, tree.N, tree.Hash, n, tlog.RecordHash(leaves[n])); err != nil {
			return err
		}
	}
	return nil
}

// judgeConsistency holds an earlier checkpoint against the newest one.
func judgeConsistency(path string, verifiers note.Verifiers, tree tlog.Tree, reader tlog.HashReader) error {
	old, origin, err := open(read(strings.TrimSuffix(path, ".add-checkpoint")+".checkpoint"), verifiers)
	if err != nil {
		return err
	}
	number, hashes, below, err := proof(read(path), "old")
	if err != nil {
		return err
	}
	newest, newOrigin, err := open(below, verifiers)
	if err != nil {
		return err
	}
	if number != old.N || newest != tree || origin != newOrigin {
		return errors.New("the request is for other checkpoints")
	}
	if err := tlog.CheckTree(hashes, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return err
	}
	theirs, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	if fmt.Sprint(theirs) != fmt.Sprint(tlog.TreeProof(hashes)) {
		return errors.New("tlog makes another consistency proof")
	}
	return nil
}

// judgeInclusion holds a proof bundle against the leaf in the folder.
func judgeInclusion(path string, verifiers note.Verifiers, tree tlog.Tree, leaves [][]byte) error {
	header, rest, _ := strings.Cut(read(path), "\n")
	if header != "c2sp.org/tlog-proof@v1" {
		return errors.New("it is no proof bundle")
	}
	index, hashes, below, err := proof(rest, "index")
	if err != nil {
		return err
	}
	stated, _, err := open(below, verifiers)
	if err != nil {
		return err
	}
	if stated != tree || filepath.Base(path) != fmt.Sprintf("%d.tlog-proof", index) || index >= tree.N {
		return errors.New("the bundle is of another tree or leaf")
	}
	return tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(leaves[index]))
}

func judge(log folder) (said string, err error) {
	verifier, err := note.NewVerifier(strings.TrimSpace(read(log.beside, "log.vkey")))
	if err != nil {
		return "", err
	}
	verifiers := note.VerifierList(verifier)
	newest, err := log.read("checkpoint")
	if err != nil {
		return "", err
	}
	tree, origin, err := open(string(newest), verifiers)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	if origin != verifier.Name() {
		return "", errors.New("the checkpoint is of another log")
	}
	leaves, err := log.leaves(tree.N)
	if err != nil {
		return "", err
	}
	if err := judgeTiles(log, tree, leaves); err != nil {
		return "", err
	}
	earlier, _ := filepath.Glob(filepath.Join(log.beside, "judged", "*.add-checkpoint"))
	for _, path := range earlier {
		if err := judgeConsistency(path, verifiers, tree, tlog.TileHashReader(tree, log)); err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	bundles, _ := filepath.Glob(filepath.Join(log.beside, "judged", "*.tlog-proof"))
	for _, path := range bundles {
		if err := judgeInclusion(path, verifiers, tree, leaves); err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	if len(earlier) == 0 || len(bundles) == 0 {
		return "", errors.New("there are no proofs to judge")
	}
	said = fmt.Sprintf("%d leaves, %d earlier checkpoints, %d proof bundles", tree.N, len(earlier), len(bundles))
	return said, nil
}

func main() {
	said, err := judge(folder{strings.TrimSuffix(os.Args[1], "/"), os.Args[len(os.Args)-1]})
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	fmt.Println("accepted:", said)
}
