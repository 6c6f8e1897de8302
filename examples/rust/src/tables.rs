//! The tables, and what of the API becomes which column.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::{Line, Order};
use crate::failure;
use crate::sluice::connector::types::{DataType, Failure};
use crate::values::{Row, Table, Value, days, microseconds};

pub const ORDERS: Table = Table {
    name: "orders",
    primary_key: &["id"],
    columns: &[
        ("id", DataType::Int),
        ("reference", DataType::Long),
        ("customer", DataType::Text),
        ("total", DataType::Decimal(Some((12, 2)))),
        ("weight", DataType::Double),
        ("paid", DataType::Boolean),
        ("ordered_on", DataType::NaiveDate),
        ("delivery", DataType::NaiveDatetime),
        ("changed_at", DataType::UtcDatetime),
        ("receipt", DataType::Binary),
        ("tags", DataType::Json),
        ("note", DataType::Text),
    ],
};

/// The types of the other columns are inferred from the values.
pub const LINES: Table = Table { name: "order_lines", primary_key: &["order_id", "line"], columns: &[] };

impl Order {
    pub fn row(self) -> Result<Row, Failure> {
        let reference = self.reference.parse().map_err(|_| failure("order", "a reference that is no number".into()))?;
        let receipt = self.receipt.map(|text| STANDARD.decode(text)).transpose();
        let receipt = receipt.map_err(|_| failure("order", "a receipt that is not base64".into()))?;
        Ok(vec![
            ("id", Value::Integer(Some(self.id))),
            ("reference", Value::Integer(Some(reference))),
            ("customer", Value::Text(Some(self.customer))),
            ("total", Value::Decimal(Some(self.total))),
            ("weight", Value::Float(self.weight)),
            ("paid", Value::Boolean(Some(self.paid))),
            ("ordered_on", Value::Date(Some(days(&self.ordered_on)?))),
            ("delivery", Value::Datetime(self.delivery.as_deref().map(microseconds).transpose()?)),
            ("changed_at", Value::Timestamp(Some(microseconds(&self.changed_at)?))),
            ("receipt", Value::Blob(receipt)),
            ("tags", Value::Json(Some(self.tags.to_string()))),
            ("note", Value::Text(self.note)),
        ])
    }
}

impl Line {
    pub fn row(&self, order: i64) -> Row {
        let mut row = line_key(order, self.line);
        row.push(("product", Value::Text(Some(self.product.clone()))));
        row.push(("quantity", Value::Integer(Some(self.quantity))));
        row.push(("price", Value::Decimal(Some(self.price.clone()))));
        row
    }
}

pub fn order_key(id: i64) -> Row {
    vec![("id", Value::Integer(Some(id)))]
}

pub fn line_key(order: i64, line: i64) -> Row {
    vec![("order_id", Value::Integer(Some(order))), ("line", Value::Integer(Some(line)))]
}

/// What changes in an order that was paid.
pub fn paid(id: i64, changed_at: &str) -> Result<Row, Failure> {
    let changed_at = Value::Timestamp(Some(microseconds(changed_at)?));
    Ok(vec![("id", Value::Integer(Some(id))), ("paid", Value::Boolean(Some(true))), ("changed_at", changed_at)])
}
