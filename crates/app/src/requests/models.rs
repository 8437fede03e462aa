//! Requests about models and endpoints.

use std::path::Path;
use std::sync::Arc;

use crate::App;
use crate::api::{
    AddModelFile, ApiError, EndpointCheck, EndpointRef, EndpointView, EventKind, ModelRef, ModelView, Nothing,
    SaveEndpoint,
};
use crate::event_log::About;
use crate::models::local_id;

impl App {
    /// Models, local and remote.
    pub fn list_models(&self, _request: Nothing) -> Result<Vec<ModelView>, ApiError> {
        self.models.list(&self.default_model()?)
    }

    /// Loads a model now.
    pub fn load_model(&self, request: ModelRef) -> Result<ModelView, ApiError> {
        self.models.language(&request.handle, &About::default())?;
        self.models.view(&request.handle, &self.default_model()?)
    }

    /// Adds a GGUF file where it lies.
    pub fn add_model_file(&self, request: AddModelFile) -> Result<ModelView, ApiError> {
        let status = self.models.library().add_file(Path::new(&request.path))?;
        self.send(About::default(), EventKind::ModelsChanged);
        self.models.view(&format!("local/{}", status.entry.id), &self.default_model()?)
    }

    /// Takes a file that was added out of the library, or deletes a downloaded model.
    pub fn forget_model(&self, request: ModelRef) -> Result<Nothing, ApiError> {
        self.models.library().forget(local_id(&request.handle)?)?;
        self.send(About::default(), EventKind::ModelsChanged);
        Ok(Nothing {})
    }

    /// Begins a download; progress comes in events.
    pub fn download_model(&self, request: ModelRef) -> Result<ModelView, ApiError> {
        Arc::clone(&self.models).begin_download(&request.handle)?;
        self.models.view(&request.handle, &self.default_model()?)
    }

    /// Stops a download; what is there is kept for the next try.
    pub fn cancel_download(&self, request: ModelRef) -> Result<Nothing, ApiError> {
        self.models.cancel_download(&request.handle);
        Ok(Nothing {})
    }

    /// Endpoints.
    pub fn list_endpoints(&self, _request: Nothing) -> Result<Vec<EndpointView>, ApiError> {
        let endpoints = self.models.endpoints()?;
        Ok(endpoints.iter().map(|endpoint| self.models.endpoint_view(endpoint)).collect())
    }

    /// Adds or changes an endpoint.
    pub fn save_endpoint(&self, request: SaveEndpoint) -> Result<EndpointView, ApiError> {
        let view = self.models.save_endpoint(request)?;
        self.send(About::default(), EventKind::ModelsChanged);
        Ok(view)
    }

    /// Removes an endpoint and its key.
    pub fn delete_endpoint(&self, request: EndpointRef) -> Result<Nothing, ApiError> {
        self.models.delete_endpoint(&request.endpoint_id)?;
        self.send(About::default(), EventKind::ModelsChanged);
        Ok(Nothing {})
    }

    /// Asks an endpoint for its models.
    pub fn check_endpoint(&self, request: SaveEndpoint) -> Result<EndpointCheck, ApiError> {
        self.models.check_endpoint(request)
    }
}
