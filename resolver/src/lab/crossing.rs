//! Reversing the policy: somebody of one column is moved to another. Only who knows both can try it.

use std::{sync::Arc, time::Duration};

use namesake::{
    AccountId, Handle, Policy, Timestamp,
    lab::{
        Act, Column, ColumnInfo, Documented, Front, LabError, LabFuture, Outcome, Person, Settings, Shown,
        Subject,
    },
};

/// A column whose people can be moved to the opposite one.
pub(super) struct Crossing {
    column: Arc<dyn Column>,
    into: Arc<dyn Column>,
}

impl Crossing {
    pub(super) fn new(column: Arc<dyn Column>, into: Arc<dyn Column>) -> Self {
        Self { column, into }
    }
}

impl Column for Crossing {
    fn info(&self) -> ColumnInfo {
        self.column.info()
    }

    fn settings(&self) -> Settings {
        self.column.settings()
    }

    fn begin<'a>(&'a self, settings: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>> {
        Box::pin(async move {
            let here = self.column.begin(settings, seed).await?;
            let crossed = Crossed { here, into: Arc::clone(&self.into), settings: settings.clone(), seed };
            Ok(Box::new(crossed) as _)
        })
    }

    fn documented(&self, row: &str) -> Option<Documented> {
        self.column.documented(row)
    }
}

struct Crossed {
    here: Box<dyn Subject>,
    into: Arc<dyn Column>,
    settings: Settings,
    seed: u64,
}

impl Crossed {
    /// Somebody begins anew under the other policy, under the same wish; what do references to the old account find?
    async fn reverse(&self, who: Person) -> Result<Outcome, LabError> {
        const WISH: &str = "ann";
        let old = self.here.account(who).ok_or("nobody to move")?;
        let mut there = self.into.begin(&self.settings, self.seed).await?;
        let steps = match there.act(&Act::Join { who, wish: WISH }).await? {
            Outcome::Done { steps } => steps,
            impossible @ Outcome::Impossible { .. } => return Ok(impossible),
        };
        let new = there.account(who).ok_or("the move made no account")?;
        let (from, to) = (self.here.handle(WISH), there.handle(WISH));
        let account = match (new == old, there.front().shown(&old).await?) {
            (true, _) => "the account is the same".to_owned(),
            (false, Shown::Nobody(_)) => {
                "the account is another: what refers to the old one finds nobody there".to_owned()
            }
            (false, _) => "the account is another, and the old one is still shown there".to_owned(),
        };
        let name =
            if from == to { format!("the name stays @{to}") } else { format!("@{from} becomes @{to}") };
        let title = self.into.info().title.to_lowercase();
        Ok(Outcome::done([format!("to “{title}”, {who} begins anew: {}", steps.join(", ")), name, account]))
    }
}

impl Subject for Crossed {
    fn policy(&self) -> &Policy {
        self.here.policy()
    }

    fn handle(&self, wish: &str) -> Handle {
        self.here.handle(wish)
    }

    fn account(&self, who: Person) -> Option<AccountId> {
        self.here.account(who)
    }

    fn act<'a>(&'a mut self, act: &'a Act) -> LabFuture<'a, Outcome> {
        match act {
            Act::ReversePolicy { who } => Box::pin(self.reverse(*who)),
            _ => self.here.act(act),
        }
    }

    fn front(&self) -> Arc<dyn Front> {
        self.here.front()
    }

    fn now(&self) -> Timestamp {
        self.here.now()
    }

    fn pass(&mut self, time: Duration) -> LabFuture<'_, ()> {
        self.here.pass(time)
    }
}
