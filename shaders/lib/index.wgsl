// Where an element of a box with the dimensions n0..n5 stands, and where strides put it. Of the axes only the last AXES are
// longer than 1: whole divisions are the dearest part of moving an element.
override AXES: u32 = 6u;

struct Index { outer: vec3u, inner: vec3u }

// Of the element that is number `element` in row-major order; inner = (n3, n4, n5).
fn index_in(element: u32, n1: u32, n2: u32, inner: vec3u) -> Index {
  var i = Index(vec3u(), vec3u(0u, 0u, element));
  if AXES > 1u { i.inner.y = i.inner.z / inner.z; i.inner.z %= inner.z; }
  if AXES > 2u { i.inner.x = i.inner.y / inner.y; i.inner.y %= inner.y; }
  if AXES > 3u { i.outer.z = i.inner.x / inner.x; i.inner.x %= inner.x; }
  if AXES > 4u { i.outer.y = i.outer.z / n2; i.outer.z %= n2; }
  if AXES > 5u { i.outer.x = i.outer.y / n1; i.outer.y %= n1; }
  return i;
}

fn place_of(i: Index, outer: vec3u, inner: vec3u) -> u32 {
  let places = i.outer * outer + i.inner * inner;
  return places.x + places.y + places.z;
}
