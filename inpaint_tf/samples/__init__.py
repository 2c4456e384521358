"""Photos with holes to try things on. rocket.jpg: SpaceX, public domain, as distributed with scikit-image."""
