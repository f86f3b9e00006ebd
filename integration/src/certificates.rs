//! Who vouches for a test's workloads? An authority of its own, made anew each time, whose certificates name whatever they
//! are asked to.

use anyhow::{Context, Result};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::envoy::Credential;

/// One who signs certificates.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a certificate says of its bearer. Nothing checks that any of it makes sense.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// In the distinguished name.
    pub common_name: &'static str,
    /// In the subject alternative names, in order.
    pub uris: &'static [&'static str],
    /// In the subject alternative names, behind the URIs.
    pub dns: &'static [&'static str],
}

impl Authority {
    /// A new one, of this name.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its own certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// A certificate for clients and services alike, as a mesh has them.
    ///
    /// # Errors
    ///
    /// When a name cannot stand in one.
    pub fn issue(&self, subject: &Subject) -> Result<Credential> {
        let ascii = |name: &str| Ia5String::try_from(name).with_context(|| format!("{name}: no name in a certificate"));
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, subject.common_name);
        for uri in subject.uris {
            params.subject_alt_names.push(SanType::URI(ascii(uri)?));
        }
        for name in subject.dns {
            params.subject_alt_names.push(SanType::DnsName(ascii(name)?));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?.pem();
        Ok(Credential { certificate, key: key.serialize_pem() })
    }
}
