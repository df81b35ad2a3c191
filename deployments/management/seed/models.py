"""The models that the teams own."""

from deployments.management.seed.shapes import ModelPlan


def _plan(slug: str, name: str, team: str, description: str) -> ModelPlan:
    return ModelPlan(slug=slug, name=name, team=team, type=team, description=description)


RECS, VISION, ADS, SEARCH, TRUST = "recommendations", "vision", "ads", "search", "trust-and-safety"

MODELS = (
    _plan(
        "home-feed-ranker", "Home feed ranker", RECS, "Orders the home feed by the chance of a favourite or a purchase."
    ),
    _plan("similar-listings", "Similar listings", RECS, "Candidates for the strip below a listing."),
    _plan("gift-finder", "Gift finder", RECS, "Ranks gift ideas by occasion and recipient."),
    _plan("cart-upsell", "Cart upsell", RECS, "What goes with what is in the cart."),
    _plan("image-embedder", "Image embedder", VISION, "512 numbers for each listing photo."),
    _plan("listing-photo-quality", "Listing photo quality", VISION, "Scores light, crop and clutter of a photo."),
    _plan("visual-search", "Visual search", VISION, "Finds listings that look like a photo."),
    _plan("ads-ctr", "Ads click-through", ADS, "Chance of a click on a promoted listing."),
    _plan("ads-bid-pacing", "Ads bid pacing", ADS, "Spreads a seller's budget over the day."),
    _plan("ads-relevance", "Ads relevance", ADS, "Keeps promoted listings on topic."),
    _plan("search-ranker", "Search ranker", SEARCH, "Second-pass ranking of search results."),
    _plan("query-intent", "Query intent", SEARCH, "What kind of thing a query asks for."),
    _plan("spell-corrector", "Spell corrector", SEARCH, "Suggests spellings for queries with few results."),
    _plan("query-autocomplete", "Query autocomplete", SEARCH, "Completes queries while people type."),
    _plan("listing-policy", "Listing policy", TRUST, "Flags listings that break the rules of the marketplace."),
    _plan("message-abuse", "Message abuse", TRUST, "Flags harassment and scams in messages."),
)
