//! Certificate authority for the workloads of a test. Each is new, and signs any name.

use anyhow::{Context, Result};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::envoy::Credential;

/// Certificate authority.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Subject of a certificate. The names are not validated.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Common name.
    pub common_name: &'static str,
    /// URIs in the subject alternative names, in order.
    pub uris: &'static [&'static str],
    /// DNS names in the subject alternative names, behind the URIs.
    pub dns: &'static [&'static str],
}

impl Authority {
    /// New authority with this name.
    ///
    /// # Errors
    ///
    /// When key generation fails.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Certificate of the authority, as PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate for client and server authentication, as in a mesh.
    ///
    /// # Errors
    ///
    /// When a name is not valid in a certificate.
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
