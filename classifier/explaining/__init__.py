"""Why a version says what it says: heat maps, their check, and the training images that lie nearest."""
