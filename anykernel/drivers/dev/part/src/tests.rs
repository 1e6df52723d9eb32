mod images;
mod tables;
mod units;
