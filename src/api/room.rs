//! Room for so many clients at a time. Where it is full, those go who keep the controller waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// A client, and whose turn it is.
#[derive(Debug)]
pub(super) struct Client {
    turn: Mutex<Turn>,
    told: Notify,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// The client is to send or to read something, since then.
    Its(Instant),
    /// The controller is to answer.
    Ours,
    /// The client has waited too long, and somebody else needs its place.
    Over,
}

impl Client {
    /// One that is to say what it wants.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            turn: Mutex::new(Turn::Its(Instant::now())),
            told: Notify::new(),
        })
    }

    /// The client is to send or to read something, and may be told to go if it does not.
    pub(super) fn its_turn(&self) {
        *lock(&self.turn) = Turn::Its(Instant::now());
    }

    /// The controller is to answer, also where it was just about to end this.
    pub(super) fn our_turn(&self) {
        *lock(&self.turn) = Turn::Ours;
    }

    /// Waits until the client is to go.
    pub(super) async fn told_to_go(&self) {
        loop {
            self.told.notified().await;
            if matches!(*lock(&self.turn), Turn::Over) {
                return;
            }
        }
    }

    fn since(&self) -> Option<Instant> {
        match *lock(&self.turn) {
            Turn::Its(since) => Some(since),
            Turn::Ours | Turn::Over => None,
        }
    }

    /// Tells it to go, unless something has come since.
    fn tell_to_go(&self, since: Instant) -> bool {
        let mut turn = lock(&self.turn);
        let still = matches!(*turn, Turn::Its(still) if still == since);
        if still {
            *turn = Turn::Over;
            self.told.notify_one();
        }
        still
    }
}

/// Room for a number of clients.
#[derive(Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    /// How long a client may keep us waiting where others need its place.
    patience: Duration,
    clients: Mutex<Vec<Arc<Client>>>,
}

/// The place of a client in a room, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    client: Arc<Client>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(size: usize, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(size)),
            patience,
            clients: Mutex::default(),
        })
    }

    /// Waits for a place, first come, first served. As long as there is none, the client that keeps us
    /// waiting the longest is told to go.
    pub(super) async fn enter(self: &Arc<Self>, client: &Arc<Client>) -> Place {
        let mut permit = std::pin::pin!(Arc::clone(&self.places).acquire_owned());
        let permit = loop {
            tokio::select! {
                biased;
                // It is never closed.
                permit = &mut permit => break permit.ok(),
                () = self.make_room() => {}
            }
        };
        self.place(client, permit)
    }

    /// Takes a place if there is one.
    pub(super) fn try_enter(self: &Arc<Self>, client: &Arc<Client>) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(self.place(client, Some(permit)))
    }

    /// Tells the client to go that keeps us waiting the longest, once that is too long.
    pub(super) async fn make_room(&self) {
        let idle = |client: &Arc<Client>| client.since().map(|since| (since, Arc::clone(client)));
        let longest = lock(&self.clients)
            .iter()
            .filter_map(idle)
            .min_by_key(|it| it.0);
        // Where there is none, all wait for us.
        if let Some((since, client)) = longest {
            sleep_until(since + self.patience).await;
            if !client.tell_to_go(since) {
                return;
            }
        }
        // One goes for one who comes: the next only if this one has not gone.
        sleep(self.patience).await;
    }

    fn place(
        self: &Arc<Self>,
        client: &Arc<Client>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Place {
        lock(&self.clients).push(Arc::clone(client));
        Place {
            room: Arc::clone(self),
            client: Arc::clone(client),
            _permit: permit,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut clients = lock(&self.room.clients);
        clients.retain(|client| !Arc::ptr_eq(client, &self.client));
    }
}

/// What is behind these locks is whole at any moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);
    const LIMIT: Duration = Duration::from_secs(10);

    async fn within<T>(what: impl Future<Output = T>) -> T {
        timeout(LIMIT, what).await.expect("in time")
    }

    /// Whether a client is told to go in a while that is long enough for it.
    async fn is_told(client: &Client) -> bool {
        timeout(PATIENCE * 3, client.told_to_go()).await.is_ok()
    }

    #[tokio::test]
    async fn the_one_that_keeps_us_waiting_the_longest_goes() {
        let room = Room::new(3, PATIENCE);
        let clients = [Client::new(), Client::new(), Client::new()];
        let mut places = Vec::new();
        for client in &clients {
            places.push(within(room.enter(client)).await);
        }
        let new = Client::new();
        assert!(room.try_enter(&new).is_none());
        clients[0].our_turn();
        clients[1].its_turn();
        let (entered, ()) = within(async {
            tokio::join!(room.enter(&new), async {
                clients[2].told_to_go().await;
                drop(places.pop());
            })
        })
        .await;
        assert!(!is_told(&clients[0]).await && !is_told(&clients[1]).await);
        drop((entered, places));
        assert!(lock(&room.clients).is_empty());
    }

    #[tokio::test]
    async fn nobody_goes_while_there_is_room_or_the_turn_is_ours() {
        let room = Room::new(1, PATIENCE);
        let (client, new) = (Client::new(), Client::new());
        let place = within(room.enter(&client)).await;
        assert!(!is_told(&client).await);
        client.our_turn();
        {
            let mut entering = std::pin::pin!(room.enter(&new));
            assert!(timeout(PATIENCE * 3, &mut entering).await.is_err());
            client.its_turn();
            within(async {
                tokio::select! {
                    () = client.told_to_go() => {}
                    _ = &mut entering => panic!("there is no room"),
                }
            })
            .await;
            // What it was waited for has come just then.
            client.our_turn();
            assert!(!is_told(&client).await);
            drop(place);
            within(entering).await;
        }
    }
}
