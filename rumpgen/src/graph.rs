//! Who needs whom, in the words of the domain. petgraph does not leave this module.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use petgraph::Direction;
use petgraph::algo::{has_path_connecting, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef};

use crate::plan::{Edge, EdgeKind};

/// Components and their needs. An edge goes from the component that needs to the one that is needed.
#[derive(Debug)]
pub struct Graph<'a> {
    graph: DiGraph<&'a str, &'a Edge>,
    nodes: BTreeMap<&'a str, NodeIndex>,
}

impl<'a> Graph<'a> {
    /// A graph of these components. An edge that leads to anything else is left out.
    pub fn new(
        names: impl IntoIterator<Item = &'a str>,
        edges: impl IntoIterator<Item = &'a Edge>,
    ) -> Self {
        let mut graph = DiGraph::new();
        let names: BTreeSet<&str> = names.into_iter().collect();
        let nodes: BTreeMap<_, _> = names
            .into_iter()
            .map(|name| (name, graph.add_node(name)))
            .collect();
        for edge in edges {
            if let (Some(from), Some(to)) = (nodes.get(&*edge.from), nodes.get(&*edge.to)) {
                graph.add_edge(*from, *to, edge);
            }
        }
        Graph { graph, nodes }
    }

    /// Everything that `name` needs, directly or not, itself included.
    pub fn closure(&self, name: &str) -> BTreeSet<&'a str> {
        let mut closure = BTreeSet::new();
        if let Some(start) = self.nodes.get(name) {
            let mut walk = Dfs::new(&self.graph, *start);
            while let Some(node) = walk.next(&self.graph) {
                closure.insert(self.graph[node]);
            }
        }
        closure
    }

    /// A shortest chain of needs that leads from one component to another.
    pub fn why(&self, from: &str, to: &str) -> Option<Vec<&'a Edge>> {
        let (from, to) = (*self.nodes.get(from)?, *self.nodes.get(to)?);
        if from == to {
            return Some(Vec::new());
        }
        self.walk(from, to)
    }

    /// Sets of components that need one another, each as one closed chain of needs. The chain starts
    /// with the first name, the chains are in the order of these.
    pub fn cycles(&self) -> Vec<Vec<&'a Edge>> {
        let mut cycles = Vec::new();
        for knot in tarjan_scc(&self.graph) {
            let first = knot.into_iter().min_by_key(|node| self.graph[*node]);
            cycles.extend(first.and_then(|node| self.walk(node, node)));
        }
        cycles.sort_by(|a, b| {
            a.first()
                .map(|edge| &edge.from)
                .cmp(&b.first().map(|edge| &edge.from))
        });
        cycles
    }

    /// The order in which to start: what is needed before what needs it, ties by `rank`.
    ///
    /// A provider of a capability starts before the component that requires the capability unless
    /// it stands on that component itself, as a driver does that plugs into its faction: then it
    /// starts after it. Cycles of other needs have been refused before.
    pub fn start_order<K: Ord>(&self, rank: impl Fn(&'a str) -> K) -> Vec<&'a str> {
        let mut order = DiGraph::<&'a str, ()>::new();
        for node in self.graph.node_indices() {
            order.add_node(self.graph[node]);
        }
        let is_hard = |edge: &Edge| !matches!(edge.kind, EdgeKind::Capability { .. });
        let mut edges: Vec<_> = self.graph.edge_references().collect();
        edges.sort_by_key(|edge| (!is_hard(edge.weight()), *edge.weight()));
        for edge in edges {
            let (from, to) = (edge.source(), edge.target());
            if is_hard(edge.weight()) || !has_path_connecting(&order, to, from, None) {
                order.update_edge(from, to, ());
            }
        }
        let entry = |node: NodeIndex| Reverse((rank(order[node]), node));
        let mut open: Vec<usize> = order
            .node_indices()
            .map(|node| order.neighbors_directed(node, Direction::Outgoing).count())
            .collect();
        let ready = order.node_indices().filter(|node| open[node.index()] == 0);
        let mut ready: BinaryHeap<_> = ready.map(entry).collect();
        let mut started = Vec::new();
        while let Some(Reverse((_, node))) = ready.pop() {
            started.push(order[node]);
            for waiting in order.neighbors_directed(node, Direction::Incoming) {
                open[waiting.index()] -= 1;
                if open[waiting.index()] == 0 {
                    ready.push(entry(waiting));
                }
            }
        }
        started
    }

    /// A shortest walk of at least one step. Among equals the one with the first names wins.
    fn walk(&self, from: NodeIndex, to: NodeIndex) -> Option<Vec<&'a Edge>> {
        let mut reached: BTreeMap<NodeIndex, (NodeIndex, &'a Edge)> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            let mut edges: Vec<_> = self.graph.edges(node).collect();
            edges.sort_by_key(|edge| *edge.weight());
            for edge in edges {
                if reached.contains_key(&edge.target()) {
                    continue;
                }
                reached.insert(edge.target(), (node, edge.weight()));
                if edge.target() == to {
                    return Some(trace(&reached, from, to));
                }
                queue.push_back(edge.target());
            }
        }
        None
    }
}

fn trace<'a>(
    reached: &BTreeMap<NodeIndex, (NodeIndex, &'a Edge)>,
    from: NodeIndex,
    to: NodeIndex,
) -> Vec<&'a Edge> {
    let mut chain = Vec::new();
    let mut node = to;
    loop {
        let (previous, edge) = reached[&node];
        chain.push(edge);
        node = previous;
        if node == from {
            chain.reverse();
            return chain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(text: &str) -> Vec<Edge> {
        let edges = text
            .split_whitespace()
            .map(|edge| match edge.split_once('>') {
                Some((from, to)) => Edge {
                    from: from.into(),
                    to: to.into(),
                    kind: EdgeKind::Declared,
                },
                None => {
                    let (from, to) = edge.split_once('~').expect("an edge is a>b or a~b");
                    let kind = EdgeKind::Capability {
                        capability: "service".into(),
                    };
                    Edge {
                        from: from.into(),
                        to: to.into(),
                        kind,
                    }
                }
            });
        edges.collect()
    }

    fn graph(edges: &[Edge]) -> Graph<'_> {
        let names = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]);
        Graph::new(names, edges)
    }

    fn names(chain: &[&Edge]) -> String {
        chain
            .iter()
            .map(|edge| format!("{}>{}", edge.from, edge.to))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_is_needed_starts_first() {
        for (needs, order) in [
            ("c>b b>a", "a b c"),
            ("b>a c>a", "a b c"),
            ("a~z", "z a"),
            ("a~z z>a", "a z"),
            (
                "hub~plug plug>mid mid>hub user>hub user~plug",
                "hub mid plug user",
            ),
            ("a~b b~a", "b a"),
        ] {
            let edges = edges(needs);
            assert_eq!(
                graph(&edges).start_order(|name| name).join(" "),
                order,
                "{needs}"
            );
        }
    }

    #[test]
    fn cycles_are_shown_as_chains() {
        let edges = edges("b>c c>d d>b a>b x>x e>a");
        let graph = graph(&edges);
        let cycles: Vec<String> = graph.cycles().iter().map(|cycle| names(cycle)).collect();
        assert_eq!(cycles, ["b>c c>d d>b", "x>x"]);
    }

    #[test]
    fn closures_and_reasons() {
        let edges = edges("a>b b>c a>d d>e e>c");
        let graph = graph(&edges);
        assert_eq!(Vec::from_iter(graph.closure("d")), ["c", "d", "e"]);
        assert_eq!(
            graph.why("a", "c").map(|chain| names(&chain)).as_deref(),
            Some("a>b b>c")
        );
        assert!(graph.why("c", "a").is_none());
    }
}
